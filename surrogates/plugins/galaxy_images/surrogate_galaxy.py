"""Surrogate galaxies inside GalSim: `SurrogateGalaxy` in Python, and the type of that name in its configuration files.

::

    modules: [surrogates.galsim]
    gal: {type: SurrogateGalaxy, morphology: spiral, half_light_radius: 0.6, redshift: 0.4, flux: 1.e4}

The object is the surrogate's intrinsic image, with the Gaussian that bounds its resolution taken out again; GalSim
applies PSF, shear, pixels and noise as to any profile.
"""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SchemaError

if TYPE_CHECKING:
    import galsim

    from ...sampling.surrogate import Surrogate

PLUGIN = "galaxy-images"
BANDS = ("g", "r", "i")
PIXEL_SCALE = 0.1
"""Pixels of the intrinsic images, arcsec."""

BAND_LIMIT_FWHM = 0.2
"""FWHM of the Gaussian that the intrinsic images are convolved with, arcsec."""

APPLIED_BY_GALSIM = (
    "psf",
    "psf_image",
    "pixel_scale",
    *(f"{name}_{band}" for name in ("psf_fwhm", "noise") for band in BANDS),
)
"""Conditions of the plugin that are GalSim's work here."""

_FWHM_TO_SIGMA = 1.0 / math.sqrt(8.0 * math.log(2.0))


def SurrogateGalaxy(
    *,
    seed: int,
    band: str = "r",
    flux: float | None = None,
    psf: galsim.GSObject | None = None,
    simulator: Any = "surrogate",
    model: str | None = None,
    gsparams: galsim.GSParams | None = None,
    **conditions: Any,
) -> galsim.GSObject:
    """A galaxy to convolve with a PSF and draw.

    Parameters
    ----------
    seed : int
        Draws the galaxy: its structure, and every condition that is not given.
    band : {"g", "r", "i"}
    flux : float, optional
        Flux of the object, in any unit; by default its part of the asked magnitude's flux in nJy that lies within the
        stamp of 6.4 arcsec.
    psf : GSObject, optional
        What the galaxy will be convolved with; refused where it is too narrow, see `check_psf`.
    simulator : {"surrogate", "reference"} or Simulator
        Who draws the intrinsic image.
    model : str, optional
        The surrogate's recipe.
    gsparams : GSParams, optional
    **conditions
        Of the plugin `galaxy-images`: `morphology`, `half_light_radius` [arcsec], `magnitude_r`, `ellipticity`,
        `position_angle` [deg, or a galsim.Angle], `redshift`, …; the prior fills the rest.

    Returns
    -------
    GSObject
        ``InterpolatedImage * Deconvolve(Gaussian(fwhm=0.2))``, at the centre of its light's stamp. It has no photon
        shooting, as no deconvolution has.

    Raises
    ------
    SchemaError
        A condition that is unknown, out of range or GalSim's own work; a PSF that is too narrow.
    """
    made: Any
    (made,) = surrogate_galaxies(
        1, seed=seed, band=band, psf=psf, simulator=simulator, model=model, gsparams=gsparams, **conditions
    )
    return made if flux is None else made.withFlux(flux)


def surrogate_galaxies(
    n: int,
    *,
    seed: int,
    band: str = "r",
    psf: galsim.GSObject | None = None,
    simulator: Any = "surrogate",
    model: str | None = None,
    gsparams: galsim.GSParams | None = None,
    **conditions: Any,
) -> list[galsim.GSObject]:
    """`n` galaxies drawn in batches, which costs a fraction of drawing them one by one; see `SurrogateGalaxy`.

    Conditions may be arrays of length n.
    """
    if band not in BANDS:
        raise SchemaError(f"band: {band!r} is unknown; expected one of {', '.join(BANDS)}")
    for name in conditions:
        if name in APPLIED_BY_GALSIM:
            raise SchemaError(
                f"{name}: PSF, pixels and noise are GalSim's work here; leave it out and apply them there"
            )
    if psf is not None:
        check_psf(psf)
    if hasattr(conditions.get("position_angle"), "deg"):
        conditions["position_angle"] = conditions["position_angle"].deg % 180.0
    if isinstance(simulator, str):
        simulator = _simulator(simulator, model, n == 1)
    drawn = simulator.sample(n, seed=seed, **conditions)
    images = drawn["image"].values[:, BANDS.index(band)].astype(np.float64)
    return [_object(image, gsparams) for image in images]


def _object(image: np.ndarray, gsparams: galsim.GSParams | None) -> Any:
    import galsim

    stamp = galsim.InterpolatedImage(
        galsim.Image(image, scale=PIXEL_SCALE), normalization="flux", calculate_stepk=False, calculate_maxk=False,
        gsparams=gsparams,
    )  # fmt: skip
    return galsim.Convolve(stamp, galsim.Deconvolve(galsim.Gaussian(fwhm=BAND_LIMIT_FWHM), gsparams=gsparams))


@lru_cache(maxsize=8)
def _simulator(name: str, model: str | None, single: bool) -> Any:
    from ...sampling import opening

    if name == "reference":
        return opening.reference(PLUGIN)
    if name != "surrogate":
        raise SchemaError(f"simulator: {name!r} is unknown; expected 'surrogate' or 'reference'")
    surrogate = opening.load(PLUGIN, model=model)
    return one_at_a_time(surrogate) if single else surrogate


def one_at_a_time(surrogate: Surrogate) -> Surrogate:
    """The surrogate with batches of one slot: the fastest for a single galaxy, the slowest for many."""
    recipe = surrogate.card.recipe
    alone = dataclasses.replace(surrogate.plugin.recipes[recipe], sample_batch=1)
    plugin = dataclasses.replace(surrogate.plugin, recipes={**surrogate.plugin.recipes, recipe: alone})
    return dataclasses.replace(surrogate, plugin=plugin)


# Too narrow a PSF --------------------------------------------------------------------------------------------------


def check_psf(psf: galsim.GSObject) -> None:
    """Raise SchemaError where a PSF does not hide what lies beyond the galaxies' resolution.

    The galaxies hold nothing beyond the Nyquist frequency of their pixels, pi / 0.1 arcsec, where taking out the
    Gaussian of FWHM 0.2 arcsec multiplies interpolation errors by 35. A PSF must damp that frequency at least as much
    as the Gaussian did: one of FWHM 0.2 arcsec just does.
    """
    nyquist = math.pi / PIXEL_SCALE
    sigma = BAND_LIMIT_FWHM * _FWHM_TO_SIGMA
    limit = math.exp(-0.5 * (nyquist * sigma) ** 2)
    passed = max(abs(psf.kValue(nyquist * math.cos(angle), nyquist * math.sin(angle))) for angle in _ANGLES) / psf.flux
    if passed > limit * (1 + 1e-6):
        raise SchemaError(
            f"psf: it passes {passed:.3g} of the signal at {nyquist:.1f} rad/arcsec; expected at most {limit:.3g}, "
            f"what a Gaussian of FWHM {BAND_LIMIT_FWHM} arcsec passes: the galaxies are not resolved further"
        )


_ANGLES = tuple(math.pi * step / 4 for step in range(4))


# Configuration files -----------------------------------------------------------------------------------------------


def build(config: dict, base: dict, ignore: list, gsparams: dict, logger: Any = None) -> tuple[galsim.GSObject, bool]:
    """Build the configuration type `SurrogateGalaxy`; the signature is `galsim.config.RegisterObjectType`'s.

    Parameters of the type are those of `SurrogateGalaxy`, all optional; `position_angle` is an angle with its unit. The
    seed comes from the configuration's random numbers, so that `image.random_seed` decides every galaxy.
    """
    import galsim
    import galsim.config

    options = _parameters()
    kwargs, _ = galsim.config.GetAllParams(
        config, base, opt=options, ignore=[name for name in ignore if name not in options]
    )
    rng = galsim.config.GetRNG(config, base, logger, "SurrogateGalaxy")
    if rng is None:
        raise galsim.GalSimConfigError("SurrogateGalaxy needs random numbers: set image.random_seed")
    current = base.get("psf", {}).get("current")
    if "psf" not in base:
        raise galsim.GalSimConfigError(
            f"SurrogateGalaxy needs a psf: the galaxies are resolved to a FWHM of {BAND_LIMIT_FWHM} arcsec alone"
        )
    kwargs.pop("flux", None)  # GalSim applies it to whatever is built
    try:
        made = SurrogateGalaxy(
            seed=int(rng.raw()),
            psf=current[0] if current and isinstance(current[0], galsim.GSObject) else None,
            gsparams=galsim.GSParams(**gsparams) if gsparams else None,
            **kwargs,
        )
    except SchemaError as error:
        raise galsim.GalSimConfigError(f"SurrogateGalaxy: {error}") from None
    return made, False


def _parameters() -> dict[str, Any]:
    """Name -> type of the configuration's parameters."""
    import galsim

    from ... import registry

    found: dict[str, Any] = {"flux": float, "band": str, "simulator": str, "model": str}
    for variable in registry.plugin(PLUGIN).conditions:
        if variable.name not in APPLIED_BY_GALSIM and not variable.dims:
            found[variable.name] = str if variable.categories is not None else float
    return found | {"position_angle": galsim.Angle}


def _register() -> None:
    try:
        import galsim.config
    except ImportError as error:
        raise ImportError("surrogates.galsim needs GalSim: pip install 'surrogates[galaxies]'") from error
    galsim.config.RegisterObjectType("SurrogateGalaxy", build)


_register()
