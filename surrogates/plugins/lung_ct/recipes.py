"""How the generators of lung-ct are trained: on simulated chests, or on a user's slices with their masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Phase, Recipe
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

    from .network import LungGenerator, Pix2Pix

PARTS, CHESTS, SEED = 16, 25, 21
"""Parts of the training chests, chests in each, and the seed of their scans."""

LIMITS = "A research tool that knows one procedural chest, seen by one scanner: no clinical claim. "


def simulate(start: int, count: int) -> dict[str, np.ndarray]:
    """Training chests `start` to `start + count`, scanned once each."""
    from ...physics.medical import thorax

    numbers = thorax.anatomies("training", count, start)
    shapes = [thorax.outlines(int(number)) for number in numbers]
    return {
        "ct": np.stack([thorax.scan(int(number), SEED) for number in numbers]).astype(np.float16),
        "body_mask": np.stack([shape.body for shape in shapes]),
        "lesion_mask": np.stack([shape.lesion for shape in shapes]),
        "lesion_type": np.array([shape.kind for shape in shapes], dtype=np.int8),
        "anatomy": numbers,
    }


def data(folder: Path) -> tuple[xr.Dataset, ...]:
    """Simulated slices of the training part, kept in half precision."""
    from ...training.simulated import kept

    parts = [(f"chests-{k:03d}", {"start": CHESTS * k, "count": CHESTS}) for k in range(PARTS)]
    made = list(kept(folder, parts, simulate, {"simulator": "thorax 1", "seed": SEED}))
    arrays = {name: np.concatenate([part[name] for part in made]) for name in (*CONDITIONS.names, "ct")}
    image = arrays.pop("ct").astype(np.float32)
    return (CONDITIONS.dataset(arrays).merge(OUTPUTS.dataset({"ct": image})),)


@dataclass(frozen=True)
class Options:
    """What ``train --set`` may change.

    Attributes
    ----------
    width : int
        Channels of the U-net's finest level; the literature's is 64.
    updates : int
    """

    width: int = 16
    updates: int = 2000

    def __post_init__(self) -> None:
        if self.width < 4 or self.updates < 1:
            raise ValueError("width, updates: expected 4 or more, and 1 or more")


def _noisy(codec: object, width: int) -> LungGenerator:
    from .network import LungGenerator

    return LungGenerator(width)


def _pix2pix(codec: object, width: int) -> Pix2Pix:
    from .network import Pix2Pix

    return Pix2Pix(width)


def unet(options: Options) -> Recipe:
    """A U-net with maps of noise."""
    return Recipe(
        data=data,
        model=partial(_noisy, width=options.width),
        phases=(
            Phase(
                deferred("surrogates.plugins.lung_ct.network:learn"),
                options.updates,
                {"generator": Adam(2e-3), "critic": Adam(5e-4, betas=(0.5, 0.999))},
                average=0.99,
            ),
        ),
        batch_size=8,
        sample_batch=2,
        description="U-net with maps of noise, by the energy score of patches and a critic",
        use=LIMITS
        + "A first, short training: slices of asked masks to try a pipeline on. The texture of lungs and lesions and "
        "the scanner's noise are not the simulator's yet; not for augmentation, nor for comparing methods.",
    )


def pix2pix(options: Options) -> Recipe:
    """The literature's pix2pix."""
    adam = Adam(2e-4, betas=(0.5, 0.999), weight_decay=1e-4, final_fraction=0.2)
    return Recipe(
        data=data,
        model=partial(_pix2pix, width=options.width),
        phases=(
            Phase(
                deferred("surrogates.plugins.lung_ct.network:translate"),
                options.updates,
                {"discriminator": adam, "generator": adam},
                average=0.99,
            ),
        ),
        batch_size=8,
        sample_batch=2,
        description="pix2pix of the literature: U-net with dropout, 70 x 70 patches",
        use=LIMITS
        + "For comparison: two draws of one mask differ .29 times as much as two of the simulator's, slices are "
        "soft, and ribs and vessels are missing.",
        baseline=True,
    )
