"""Pack the photographs that plugins of pictures are checked on: crops of scikit-image's public-domain and CC0 pictures.

Run where scikit-image is installed; it writes surrogates/physics/images/photographs.npz.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from skimage import data

from surrogates.physics.images.resampling import reduced

SIDE = 192
CROPS = {
    "astronaut": (data.astronaut, 2, 0, 20),
    "chelsea": (data.chelsea, 1, 60, 110),
    "coffee": (data.coffee, 2, 4, 60),
    "rocket": (data.rocket, 1, 230, 220),
    "hubble": (data.hubble_deep_field, 4, 10, 20),
    "retina": (data.retina, 4, 80, 80),
    "camera": (data.camera, 2, 10, 30),
    "brick": (data.brick, 2, 30, 30),
    "gravel": (data.gravel, 2, 30, 30),
    "grass": (data.grass, 2, 30, 30),
}
"""Name -> picture, how many times it is reduced, and the first row and column of the crop."""


def main() -> None:
    """Write the file."""
    packed = {}
    for name, (picture, scale, top, left) in CROPS.items():
        whole = np.atleast_3d(picture())[..., :3]
        whole = np.repeat(whole, 3, axis=2) if whole.shape[2] == 1 else whole
        whole = whole[: whole.shape[0] // scale * scale, : whole.shape[1] // scale * scale]
        small = reduced(torch.from_numpy(whole / 255.0).permute(2, 0, 1)[None], scale)[0].permute(1, 2, 0)
        crop = small[top : top + SIDE, left : left + SIDE]
        assert crop.shape == (SIDE, SIDE, 3), f"{name}: {tuple(crop.shape)}"
        packed[name] = torch.round(crop * 255).to(torch.uint8).numpy()
    target = Path(__file__).parents[1] / "surrogates/physics/images/photographs.npz"
    np.savez_compressed(target, **packed)
    print(f"{target.name}: {len(packed)} pictures, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
