"""Package held-out images of MedNIST: python scripts/package_mednist.py FOLDER, its six class folders inside."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

from surrogates.io.image_folders import key_of, read_grey
from surrogates.plugins.medical_images.library import HELD_OUT, PARTS
from surrogates.plugins.medical_images.packaged import HELD_OUT as TARGET
from surrogates.plugins.medical_images.variables import CATEGORIES

EACH = 160


def main(folder: Path) -> None:
    """Write the first held-out files of each category, in the order of their hashes."""
    with tarfile.open(TARGET, "w:xz", preset=9) as file:
        for name in CATEGORIES:
            keyed = {key_of(read_grey(path)): path for path in sorted((folder / name).iterdir())}
            mine = sorted(key for key in keyed if key % PARTS < HELD_OUT)[:EACH]
            for number, key in enumerate(mine):
                data = keyed[key].read_bytes()
                member = tarfile.TarInfo(f"{name}/{number:03d}.jpeg")
                member.size = len(data)
                file.addfile(member, io.BytesIO(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
