"""How galaxies are learned from cutouts of the sky: options, data and training of the recipe `cutouts`."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe, configurable
from ...io.atomic import replacing
from .observed_layout import LAYOUT, Reading

if TYPE_CHECKING:
    import xarray as xr

    from .observed import LightBehindCutouts

SOURCE = "cutouts of the sky and their catalogue"

_READING = 2
"""Of what is kept; another way to read or fit counts on."""


@dataclass(frozen=True)
class Options(Reading):
    """What ``train --set`` may change: how the folder is read, and

    Attributes
    ----------
    width : int
        Of the networks.
    updates : int
    """

    width: int = 128
    updates: int = 1500

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width < 8 or self.updates < 1:
            raise ValueError(f"width {self.width}, updates {self.updates}; expected 8 or more, and 1 or more")


def _read(folder: Path, kept: Path, options: Options) -> tuple[xr.Dataset, ...]:
    """Fitted cutouts; what was fitted is kept, for a second reading or a killed one."""
    import xarray as xr

    from .observed_folder import read_observed

    reading = Reading(**{item.name: getattr(options, item.name) for item in fields(Reading)})  # type: ignore[arg-type]
    identity, place = _identity(folder, reading), kept / "fitted.npz"
    try:
        with np.load(place, allow_pickle=False) as known:
            if str(known["identity"]) == identity:
                dims = json.loads(str(known["dims"]))
                return (xr.Dataset({name: (dims[name], known[name]) for name in dims}),)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        pass
    data, report = read_observed(folder, reading)
    print(*report.lines(), sep="\n", file=sys.stderr, flush=True)
    arrays = {str(name): variable.values for name, variable in data.data_vars.items()}
    dims = {str(name): variable.dims for name, variable in data.data_vars.items()}
    with replacing(place, overwrite=True) as partial, partial.open("wb") as file:
        np.savez(file, identity=identity, dims=json.dumps(dims), **arrays)  # type: ignore[arg-type]
    return (data,)


def _identity(folder: Path, reading: Any) -> str:
    """What tells these files, and this way to read them, from others."""
    told = hashlib.sha256(f"{_READING} {reading}".encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state = path.stat()
            told.update(f"{path.relative_to(folder)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return told.hexdigest()


def _model(codec: Codec, options: Options) -> LightBehindCutouts:
    from .observed import CutoutCodec, LightBehindCutouts

    assert isinstance(codec, CutoutCodec)
    return LightBehindCutouts(codec, options.width, options.deconvolve)


def _cutouts(options: Options) -> Recipe:
    return Recipe(
        data=None,
        learns=partial(_read, options=options),
        layout=LAYOUT,
        source=SOURCE,
        model=partial(_model, options=options),
        phases=(
            Phase(
                deferred("surrogates.plugins.galaxy_images.observed:learn"),
                options.updates,
                {"light": Adam(3e-3, final_fraction=0.02)},
                average=0.99,
            ),
        ),
        batch_size=32,
        sample_batch=16,
        codec=deferred("surrogates.plugins.galaxy_images.observed:CutoutCodec"),
        description="light behind observed cutouts, freed of PSF and noise, in one pass",
        use=(
            "Galaxies as a user's own cutouts show them, freed of PSF and noise. On simulated cutouts of signal to "
            "noise 30 and more, sizes, fluxes and concentration of single galaxies came back, asymmetry and mergers "
            "did not; 10 is too noisy. See the plugin's documentation before you trust shapes."
        ),
    )


def cutouts() -> Recipe:
    """Galaxies learned from cutouts of the sky, by a forward model of PSF and noise."""
    return configurable(_cutouts, Options())
