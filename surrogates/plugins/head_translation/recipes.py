"""How both directions are trained: from pairs, and from CT and MR of different heads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Phase, Recipe, configurable
from .variables import CT_TO_MRI, MRI_TO_CT, SCHEMAS

if TYPE_CHECKING:
    import xarray as xr

    from ...contract.recipe import Codec
    from .network import Translator

PARTS, HEADS, SEED = 8, 150, 31
"""Parts of the training heads, heads in each, and the seed of their scans."""

SIMULATOR = "head 1, three MR scans"
"""Version of the simulator that kept parts were made with."""

_MODULE = "surrogates.plugins.head_translation.network"
_USE = (
    "a research tool for axial slices of simulated heads of one anatomical template; no clinical claim. Bone's density "
    "cannot be seen in MR, nor grey from white matter in a noisy CT: what is made there is a guess. "
    "CT from MR misses by 42 HU (boosted trees a pixel by 98), MR from CT by 0.11 of white matter's signal (boosted "
    "trees by .12). Lesions are lost in both: do not look for them in what is made."
)
_SOURCE = f"{PARTS * HEADS:,} simulated slices of MNI152 (training slabs), warped, scanned by the recipe"


def _parts(folder: Path) -> list[dict[str, np.ndarray]]:
    from ...physics.medical.slices import pool
    from ...training.simulated import kept

    parts = [(f"heads-{k:03d}", {"start": HEADS * k, "count": HEADS, "seed": SEED}) for k in range(PARTS)]
    return list(kept(folder, parts, pool, {"simulator": SIMULATOR}))


def _images(parts: list[dict[str, np.ndarray]], name: str, plugin: str, scans: int = 2) -> xr.Dataset:
    """Images of all heads: `scans` MR scans of each, or its CT as often."""
    if name == "mri":
        image = np.concatenate([part["mri"][:, :scans].reshape(-1, *part["mri"].shape[2:]) for part in parts])
    else:
        image = np.repeat(np.concatenate([part[name] for part in parts]), scans, axis=0)
    return SCHEMAS[plugin][0].dataset({name: image.astype(np.float32)})


def pairs(folder: Path) -> tuple[xr.Dataset, ...]:
    """CT and MR of the same heads."""
    parts = _parts(folder)
    return (_images(parts, "ct", CT_TO_MRI).merge(_images(parts, "mri", MRI_TO_CT)),)


def apart(folder: Path) -> tuple[xr.Dataset, ...]:
    """CT of the even parts' heads, MR of the odd ones': no head is in both."""
    parts = _parts(folder)
    return _images(parts[0::2], "ct", CT_TO_MRI, 1), _images(parts[1::2], "mri", MRI_TO_CT, 1)


@dataclass(frozen=True)
class Size:
    """What training may change: the U-nets' width, the pixels they fold, channels at full resolution, and updates."""

    width: int = 20
    patch: int = 2
    detail: int = 12
    updates: int = 2000


def _other(plugin: str) -> tuple[str, ...]:
    return (MRI_TO_CT,) if plugin == CT_TO_MRI else (CT_TO_MRI,)


def _translator(codec: Codec, size: Size, critics: int = 0) -> Translator:
    from .network import Translator

    return Translator(codec, size.width, size.patch, detail=size.detail, critics=critics)


def _unet(size: Size, plugin: str) -> Recipe:
    return Recipe(
        data=pairs,
        model=partial(_translator, size=size),
        phases=(
            Phase(
                deferred(f"{_MODULE}:learn_pairs"), size.updates, {"generators": Adam(2e-3, warmup=50)}, average=0.99
            ),
        ),
        batch_size=8,
        sample_batch=2,
        serves=_other(plugin),
        description="U-net each way, absolute error of pairs, of soft tissue's window too",
        use=_USE,
        source=_SOURCE,
    )


def unet(plugin: str) -> Recipe:
    """The default."""
    return configurable(partial(_unet, plugin=plugin), Size())


def _cyclegan(size: Size, plugin: str) -> Recipe:
    adam = Adam(5e-4, betas=(0.5, 0.999), clip=10.0, warmup=50)
    return Recipe(
        data=apart,
        model=partial(_translator, size=size, critics=16),
        phases=(
            Phase(
                deferred(f"{_MODULE}:learn_unpaired"),
                size.updates,
                {"generators": adam, "discriminators": adam},
                average=0.99,
            ),
        ),
        batch_size=4,
        sample_batch=2,
        serves=_other(plugin),
        baseline=True,
        description="CycleGAN: least-squares patch critics, cycles and identity, of unpaired slices",
        use=f"What unpaired data allow, to compare with. {_USE[0].upper()}{_USE[1:]}",
        source=f"{_SOURCE}; CT and MR of different heads",
    )


def cyclegan(plugin: str) -> Recipe:
    """CycleGAN's losses on the same networks."""
    return configurable(partial(_cyclegan, plugin=plugin), Size(updates=400))
