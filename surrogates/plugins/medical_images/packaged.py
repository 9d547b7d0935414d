"""The truth: 960 held-out images of MedNIST, packaged; 160 of each category, no one of which trains anything.

MedNIST was gathered by B. J. Erickson (Department of Radiology, Mayo Clinic) from TCIA, the RSNA Bone Age Challenge and
the NIH chest X-rays: CC BY-SA 4.0, as is the packaged file. Made by scripts/package_mednist.py.
"""

from __future__ import annotations

import io
import tarfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.errors import SchemaError
from ...contract.schema import Schema
from .variables import CATEGORIES, CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

HELD_OUT = Path(__file__).with_name("data") / "mednist_held_out.tar.xz"
"""The JPEG files as they were published, CATEGORY/NUMBER.jpeg."""


@cache
def held_out() -> tuple[np.ndarray, np.ndarray]:
    """Images (960, 64, 64) float32 in [0, 1] and codes (960,), the categories in turn."""
    from PIL import Image

    images: dict[str, list[np.ndarray]] = {name: [] for name in CATEGORIES}
    with tarfile.open(HELD_OUT) as file:
        for member in file.getmembers():
            stream = file.extractfile(member)
            assert stream is not None
            with Image.open(io.BytesIO(stream.read())) as image:
                images[member.name.split("/")[0]].append(np.asarray(image, dtype=np.float32) / 255.0)
    turned = [image for row in zip(*images.values(), strict=True) for image in row]
    return np.stack(turned), np.arange(len(turned)) % len(CATEGORIES)


def truth(n: int, seed: int) -> xr.Dataset:
    """Held-out images, drawn without replacement from a half of them: even seeds from one, odd seeds from the other.

    So two truths of neighbouring seeds share no image.

    Raises
    ------
    SchemaError
        More images than a half holds.
    """
    images, codes = held_out()
    half = len(images) // (2 * len(CATEGORIES)) * len(CATEGORIES)
    if n > half:
        raise SchemaError.about("n", f"{n} images", f"at most the {half} of a half of the held-out ones", value=n)
    rows = half * (seed % 2) + np.random.default_rng([seed, 41]).permutation(half)[:n]
    made = OUTPUTS.dataset({"image": images[rows]}, seed=seed)
    return made.assign(CONDITIONS.labelled({"category": codes[rows]}))


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Categories, each as likely; row i depends on (seed, i) alone."""
    from ...noise import draws

    samples = np.arange(n)
    uniform = draws(seed, samples).uniform((1,), "category")[:, 0]
    count = len(schema["category"].categories or ())
    return schema.dataset({"category": np.minimum((uniform * count).astype(np.int64), count - 1)}, samples)
