"""The reference simulator of galaxy images: GalSim, with its truth and the training data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SurrogatesError
from ...contract.schema import Schema
from ...counting import counted
from .latents import MERGER_LATENTS, SPIRAL_LATENTS, UNIFORMS, merger_parts, structure
from .prior import prior
from .variables import BANDS, CONDITIONS, OUTPUTS, PSF_IMAGE, STAMP, ZERO_POINT

if TYPE_CHECKING:
    import xarray as xr

TRAINING_SEED = 271828
"""Seed of the galaxies that the shipped weights learned from."""

TEST_SEED = 314159
"""Seed of the galaxies that the printed figures were measured on."""

SHARD = 500
"""Galaxies in one file of a kept run."""

DEFAULTS = (
    "blend_with",
    "blend_fraction",
    "psf",
    *(f"psf_fwhm_{band}" for band in BANDS),
    "psf_image",
    "pixel_scale",
    "size",
    *(f"noise_{band}" for band in BANDS),
)
"""Conditions at their defaults in every training galaxy."""


def total_flux(magnitudes: np.ndarray) -> np.ndarray:
    """Flux in nJy of AB magnitudes."""
    return 10.0 ** (-0.4 * (magnitudes - ZERO_POINT))


def galaxy_structure(samples: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The random structure of galaxies by identity: what `latents.structure` says, leading axis `sample`.

    Parameters
    ----------
    samples : ndarray
        (n,) identities.
    seed : int
    """
    uniforms = [_generator(seed, sample, "structure").random(UNIFORMS) for sample in np.asarray(samples).tolist()]
    return structure(np.clip(np.array(uniforms).reshape(-1, UNIFORMS), 1e-12, 1.0 - 1e-12))


def _generator(seed: int, sample: int, draw: str) -> np.random.Generator:
    digest = hashlib.blake2b(repr((int(seed), draw)).encode(), digest_size=8).digest()
    key = np.array([int.from_bytes(digest, "little"), sample & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


@dataclass(frozen=True)
class GalaxyReference:
    """GalSim behind the call of a surrogate.

    The intrinsic profile, convolved with the Gaussian of FWHM 0.2 arcsec and then with the asked PSF, is sampled at the
    centres of the pixels: no pixel response is applied (GalSim's ``method="no_pixel"``).

    Attributes
    ----------
    conditions, outputs : Schema
    """

    conditions: Schema = field(default=CONDITIONS, repr=False)
    outputs: Schema = field(default=OUTPUTS, repr=False)

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Draw one galaxy for each row.

        Parameters
        ----------
        conditions : Dataset
            Every condition along `sample`, complete.
        seed : int
            Of the galaxies' structure and the noise.
        """
        samples = np.asarray(conditions["sample"].values, dtype=np.int64)
        asked = {name: np.asarray(conditions[name].values) for name in CONDITIONS.names}
        found = galaxy_structure(samples, seed)
        size = int(asked["size"][0]) if len(samples) else STAMP
        images = np.zeros((len(samples), len(BANDS), size, size))
        enclosed = np.zeros((len(samples), len(BANDS)))
        merging = merger_parts(found)
        for row, sample in enumerate(samples.tolist()):
            of_row = {name: values[row] for name, values in asked.items()}
            of_structure: dict[str, Any] = {name: values[row] for name, values in found.items()}
            of_structure["merger"] = {name: values[row] for name, values in merging.items()}
            images[row], enclosed[row] = draw(of_row, of_structure)
            deviation = np.array([of_row[f"noise_{band}"] for band in BANDS])
            if deviation.any():
                noise = _generator(seed, sample, "noise").standard_normal(images[row].shape)
                images[row] += deviation[:, None, None] * noise
        outputs = OUTPUTS.dataset({"image": images, "enclosed_flux_fraction": enclosed}, samples)
        filled = CONDITIONS.dataset(asked, samples)
        return filled.merge(outputs).assign_attrs(seed=seed, reference=f"galsim {version('galsim')}")


def draw(asked: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free image of one galaxy.

    Parameters
    ----------
    asked : mapping
        Its conditions.
    found : mapping
        Its structure, with `merger_parts` under `merger`.

    Returns
    -------
    ndarray
        (band, y, x) nJy.
    ndarray
        (band,) flux in the stamp over total flux.
    """
    from .profiles import Part, parts, point_spread

    numbers = {name: float(value) for name, value in asked.items() if np.ndim(value) == 0}
    share = numbers["blend_fraction"] if asked["blend_with"] >= 0 else 0.0
    components = [
        Part(part.profile, (1.0 - share) * part.shares) for part in parts(int(asked["morphology"]), numbers, found)
    ]
    if share > 0.0:
        second = parts(int(asked["blend_with"]), numbers, found)
        components += [Part(part.profile, share * part.shares) for part in second]
    scale = numbers["pixel_scale"]
    widths = [numbers[f"psf_fwhm_{band}"] if asked["psf"] in (1, 2, 3) else 0.0 for band in BANDS]
    size = int(numbers["size"])
    relative = np.zeros((len(BANDS), size, size))
    for width in dict.fromkeys(widths):
        spread = point_spread(int(asked["psf"]), width, asked["psf_image"], scale)
        bands = [k for k, other in enumerate(widths) if other == width]
        for profile, shares in _grouped(components, bands):
            drawn = _drawn(profile, spread, scale, size)
            relative[bands] += shares[:, None, None] * drawn
    flux = total_flux(np.array([numbers[f"magnitude_{band}"] for band in BANDS]))
    return flux[:, None, None] * relative, relative.sum(axis=(1, 2))


def _grouped(components: list[Any], bands: list[int]) -> list[tuple[Any, np.ndarray]]:
    """Profiles to draw and their shares in these bands: one sum where one band is drawn."""
    import galsim

    if len(bands) == 1 and len(components) > 1:
        return [(galsim.Sum([part.profile * part.shares[bands[0]] for part in components]), np.ones(1))]
    return [(part.profile, part.shares[bands]) for part in components]


def _drawn(profile: Any, spread: list[Any], scale: float, size: int) -> np.ndarray:
    import galsim

    seen: Any = galsim.Convolve([profile, *spread])
    return seen.drawImage(nx=size, ny=size, scale=scale, method="no_pixel", dtype=float).array


# Truth and training data -------------------------------------------------------------------------------------------


def truth(n: int, seed: int, folder: Path | None = None) -> xr.Dataset:
    """Galaxies with conditions from the prior: noise-free, no PSF, 0.1 arcsec a pixel.

    Parameters
    ----------
    n : int
        Sample i depends on (seed, i) alone.
    seed : int
        `TRAINING_SEED` and `TEST_SEED` are taken.
    folder : Path, optional
        Keeps finished shards of `SHARD` galaxies, each renamed when whole; a killed run continues where it stopped.

    Raises
    ------
    ValueError
        If a shard in `folder` came from another seed.
    """
    import xarray as xr

    if folder is None:
        return GalaxyReference().sample(prior(CONDITIONS, n, seed), seed=seed)
    count = max(1, -(-n // SHARD))
    blocks = list(counted((shard(folder, number, seed) for number in range(count)), "shards of galaxies", count))
    joined = xr.concat(blocks, "sample", combine_attrs="override", data_vars="all") if len(blocks) > 1 else blocks[0]
    return joined.isel(sample=slice(0, n))


def shard(folder: Path, number: int, seed: int) -> xr.Dataset:
    """Galaxies `number` * SHARD onwards of the truth, from the file in `folder` or drawn and kept there."""
    import h5py

    from ...io.atomic import replacing

    path = Path(folder) / f"shard-{number:05d}.h5"
    samples = np.arange(number * SHARD, (number + 1) * SHARD)
    if path.exists():
        return _read_shard(path, samples, seed)
    asked = _conditions(samples, seed)
    drawn = GalaxyReference().sample(asked, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, overwrite=True) as temporary, h5py.File(temporary, "w") as file:
        for name in (*CONDITIONS.names, *OUTPUTS.names):
            if name != "psf_image":
                file[name] = drawn[name].values
        file["sample"] = samples
        for name, values in latent_variables(samples, seed).items():
            file[name] = values
        file.attrs.update({"seed": seed, "reference": drawn.attrs["reference"]})
    return drawn


def _read_shard(path: Path, samples: np.ndarray, seed: int) -> xr.Dataset:
    import h5py

    with h5py.File(path, "r") as file:
        if (there := int(np.asarray(file.attrs["seed"]))) != seed:
            raise SurrogatesError(f"seed of {path} is {there}: expected {seed}; choose another folder")
        asked = {name: np.asarray(file[name]) for name in CONDITIONS.names if name in file}
        asked.setdefault("size", np.full(len(samples), STAMP))
        outputs = OUTPUTS.dataset({name: np.asarray(file[name]) for name in OUTPUTS.names}, samples)
        reference = str(file.attrs["reference"])
    asked["psf_image"] = np.full((len(samples), PSF_IMAGE, PSF_IMAGE), np.nan, dtype=np.float32)
    filled = CONDITIONS.dataset({name: asked[name] for name in CONDITIONS.names}, samples)
    return filled.merge(outputs).assign_attrs(seed=seed, reference=reference)


def _conditions(samples: np.ndarray, seed: int) -> xr.Dataset:
    from ...sampling.request import condition_dataset
    from .prior import complete

    first = int(samples[0]) if len(samples) else 0
    return complete(CONDITIONS, condition_dataset(CONDITIONS, n=len(samples), first=first, check=False), seed)


def latent_variables(samples: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The structure of galaxies as arrays named `latent_*`, leading axis `sample`: see `latents.structure`."""
    found = galaxy_structure(samples, seed)
    return {f"latent_{name}": found[name] for name in (*SPIRAL_LATENTS, *MERGER_LATENTS, "knots")}


def training_pool(n: int, seed: int, folder: Path | None = None) -> xr.Dataset:
    """The truth without the conditions that training galaxies leave at their defaults, with the structure beside it.

    Returns
    -------
    Dataset
        `latent_*` of `latent_variables` too; the knots along (`knot`, `axis`).
    """
    data = truth(n, seed, folder).drop_vars(list(DEFAULTS))
    more = latent_variables(data["sample"].values, seed)
    axes = {"latent_knots": ("sample", "knot", "axis")}
    return data.assign({name: (axes.get(name, ("sample",)), values) for name, values in more.items()})
