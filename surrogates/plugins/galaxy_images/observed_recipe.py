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

if TYPE_CHECKING:
    import xarray as xr

    from .observed import LightBehindCutouts

SOURCE = "cutouts of the sky and their catalogue"

_READING = 1
"""Of what is kept; another way to read or fit counts on."""


@dataclass(frozen=True)
class Options:
    """What ``train --set`` may change; texts are names of the catalogue's columns, or numbers.

    Attributes
    ----------
    size : int
        Pixels a side that are used of a cutout.
    bands : tuple of str
        Of the planes of FITS cutouts, in their order.
    identity, morphology, redshift : str
        Columns; Galaxy Zoo 2's and usual names where empty.
    pixel_scale : str
        Arcsec; what the files state where empty.
    psf : str
        "gaussian", "moffat" or "kolmogorov".
    psf_fwhm : str
        Arcsec, by band 0.8/0.7/0.7 or psf_{band}; assumed and said where empty and there is no psf.fits.
    noise : str
        Standard deviation in a pixel; from the border where empty.
    zero_point : float
        AB magnitude of a flux of 1 in the images.
    deconvolve : bool
        False learns the cutouts as they are, PSF and noise and all.
    width : int
        Of the networks.
    updates : int
    """

    size: int = 48
    bands: tuple[str, ...] = ("g", "r", "i")
    identity: str = ""
    morphology: str = ""
    redshift: str = ""
    pixel_scale: str = ""
    psf: str = "moffat"
    psf_fwhm: str = ""
    noise: str = ""
    zero_point: float = 31.4
    deconvolve: bool = True
    width: int = 128
    updates: int = 1500

    def __post_init__(self) -> None:
        if self.psf not in ("gaussian", "moffat", "kolmogorov"):
            raise ValueError(f"psf: {self.psf!r}; expected gaussian, moffat or kolmogorov")
        if self.size % 8 or not 32 <= self.size <= 128:
            raise ValueError(f"size: {self.size} pixels; expected a multiple of 8 from 32 to 128")
        if self.width < 8 or self.updates < 1:
            raise ValueError("width, updates: expected 8 or more, and 1 or more")
        if not {"g", "r", "i"} <= set(self.bands):
            raise ValueError(f"bands: {','.join(self.bands)}; expected the planes' names, g, r and i among them")


def _read(folder: Path, kept: Path, options: Options) -> tuple[xr.Dataset, ...]:
    """Fitted cutouts; what was fitted is kept, for a second reading or a killed one."""
    import xarray as xr

    from .observed_folder import Reading, read_observed

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
    from .observed_layout import LAYOUT

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
