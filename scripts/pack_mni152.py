"""Pack the head simulator's template out of nilearn's copy of MNI152: grey and white matter in 4 bits, brain in 1.

python scripts/pack_mni152.py surrogates/physics/medical/mni152.xz
"""

import lzma
import sys
from pathlib import Path

import nibabel
import nilearn
import numpy as np

LOWEST, HIGHEST = 30, 150


def main(target: str) -> None:
    """Write the packed template of slices 30 to 149, -42 to 77 mm of the template's own axis."""
    folder = Path(nilearn.__file__).parent / "datasets/data"
    maps = {}
    for name in ("t1", "gm", "wm"):
        found = nibabel.load(folder / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz")
        maps[name] = np.asarray(found.get_fdata())[:, ::-1, LOWEST:HIGHEST].transpose(1, 0, 2)  # (y, x, slice)
    bits = {name: np.round(maps[name] / 255.0 * 15.0).astype(np.uint8) for name in ("gm", "wm")}
    tissue = (bits["gm"] << 4) | bits["wm"]
    Path(target).write_bytes(lzma.compress(tissue.tobytes() + np.packbits(maps["t1"] > 0).tobytes(), preset=9))


if __name__ == "__main__":
    main(sys.argv[1])
