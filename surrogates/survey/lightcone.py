"""Where galaxies are: a lightcone filled with boxes of matter, each drawn anew, and galaxies on their particles.

Space about the observer is cut into cells of one box each; every cell has a box of its own, at the redshift of its
middle, so that no structure comes twice. Galaxies are a Poisson process on the initial lattice with the weight
exp(b_L delta) of the initial density, which makes their linear bias 1 + b_L, and move with the matter: between
particles displacements are interpolated, as the sheet of matter is. Waves too long for a box come from one linear field
over all cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..noise import fold
from ..physics.cosmology.background import Cosmology
from ..physics.cosmology.distances import comoving_distance, distance_modulus, redshift_at
from ..physics.cosmology.linear_power import linear_power
from ..physics.galaxies.population import HUBBLE, POPULATIONS
from .request import NEAREST, REFERENCE_BAND, Survey
from .simulators import matter_surrogate
from .sky import Field

if TYPE_CHECKING:
    import xarray as xr

SPACING = 2.0
"""Mpc/h between neighbouring particles of a box on the initial lattice."""

SIDE = 128.0
"""Mpc/h, of a box."""

SMOOTHING = 2.0
"""Deviation of the Gaussian [Mpc/h] over which the initial density counts for galaxies."""

RED_OVER_BLUE = 1.29
"""Bias of red over that of blue galaxies (Coil et al. 2008, ApJ 672, 153: 1.65 and 1.28)."""

BIAS = 0.95
"""Bias of all galaxies times the growth factor (LSST Dark Energy Science Collaboration 2018, arXiv:1809.01669)."""

_LONG_STEP = 16.0  # Mpc/h, mesh of the long waves
_LONG_MARGIN = 400.0
_CENTRAL = 0.62  # radius of the ball of wavevectors with the volume of a box's missing cell, in its fundamental mode


@dataclass(frozen=True)
class Cell:
    """A cube of the lightcone.

    Attributes
    ----------
    index : (int, int, int)
        Along the line of sight from the observer, east, north.
    """

    index: tuple[int, int, int]

    @property
    def identity(self) -> int:
        """Of its box among the samples of a seed."""
        depth, east, north = self.index
        return (depth * 4096 + east + 2048) * 4096 + north + 2048

    @property
    def corner(self) -> np.ndarray:
        """Least coordinates in the observer's frame, Mpc/h."""
        depth, east, north = self.index
        return SIDE * np.array([depth, east - 0.5, north - 0.5])

    def redshift(self, cosmology: Cosmology) -> float:
        """Of its middle."""
        return float(redshift_at(float(np.linalg.norm(self.corner + SIDE / 2)), cosmology))


def cells(survey: Survey) -> tuple[Cell, ...]:
    """The cells that the field crosses, nearest first."""
    tangent = np.tan(Field(survey.square_degrees, survey.centre).half_side)
    farthest = float(comoving_distance(survey.max_redshift, survey.cosmology))
    found = []
    for depth in range(int(np.ceil(farthest / SIDE))):
        end = min((depth + 1) * SIDE, farthest)
        most_east = int(np.ceil(end * tangent / SIDE - 0.5))
        wide = np.hypot(end, end * tangent)
        most_north = int(np.ceil(wide * tangent / SIDE - 0.5))
        for east in range(-max(most_east, 0), max(most_east, 0) + 1):
            for north in range(-max(most_north, 0), max(most_north, 0) + 1):
                nearest = [depth * SIDE, *(max(abs(n) - 0.5, 0.0) * SIDE for n in (east, north))]
                if np.linalg.norm(nearest) < farthest:
                    found.append(Cell((depth, east, north)))
    return tuple(found)


def biases(survey: Survey) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Redshifts, and the linear bias of each population there, such that all galaxies of the survey have `BIAS` / D."""
    redshift = redshifts(survey)
    growth = np.array([survey.cosmology.growth(z) for z in redshift])
    share = density(survey, "red") / (density(survey, "red") + density(survey, "blue"))
    blue = BIAS / growth / (1 + share * (RED_OVER_BLUE - 1))
    return redshift, {"red": RED_OVER_BLUE * blue, "blue": blue}


def redshifts(survey: Survey) -> np.ndarray:
    """Where densities are tabulated."""
    return np.linspace(NEAREST, survey.max_redshift, 400)


def density(survey: Survey, population: str) -> np.ndarray:
    """Mean density [(h/Mpc)^3] of a population at `redshifts`, to the survey's limit."""
    return by_type(survey, population).sum(-1)


def by_type(survey: Survey, population: str) -> np.ndarray:
    """Mean density of each spectral type of a population at `redshifts`, (m, types)."""
    return _by_type(survey.limit, survey.max_redshift, survey.cosmology, population)


@lru_cache(maxsize=16)
def _by_type(limit: float, last: float, cosmology: Cosmology, population: str) -> np.ndarray:
    from ..physics.galaxies.templates import BANDS

    redshift = np.linspace(NEAREST, last, 400)
    modulus = distance_modulus(redshift, cosmology, HUBBLE)
    return POPULATIONS[population].densities(redshift, modulus, limit, BANDS.index(REFERENCE_BAND))


@dataclass(frozen=True)
class LongWaves:
    """The linear density contrast today of the waves that no box holds, on a mesh about the lightcone.

    Attributes
    ----------
    origin : ndarray
        Of the first mesh point, Mpc/h.
    contrast, radial : ndarray
        Density contrast today, and displacement today along the line of sight of the field's centre [Mpc/h].
    variance : float
        Of the contrast, over all such fields.
    """

    origin: np.ndarray
    contrast: np.ndarray
    radial: np.ndarray
    variance: float

    def at(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Contrast and radial displacement, linear between mesh points, at positions (n, 3) Mpc/h."""
        from scipy.ndimage import map_coordinates

        places = ((positions - self.origin) / _LONG_STEP).T
        return tuple(map_coordinates(mesh, places, order=1, mode="grid-wrap") for mesh in (self.contrast, self.radial))  # type: ignore[return-value]


def long_waves(survey: Survey) -> LongWaves:
    """The long waves of a survey; they depend on its seed, its universe and the size of its field alone."""
    half = Field(survey.square_degrees, survey.centre).half_side
    farthest = float(comoving_distance(survey.max_redshift, survey.cosmology))
    return _long_waves(survey.seed, survey.cosmology, round(farthest * np.tan(half), 6), farthest)


@lru_cache(maxsize=2)
def _long_waves(seed: int, cosmology: Cosmology, half: float, farthest: float) -> LongWaves:
    from scipy import fft

    shape = [2 * int(np.ceil((reach + _LONG_MARGIN) / _LONG_STEP / 2)) for reach in (farthest, 2 * half, 2 * half)]
    key = np.random.Philox(key=fold(seed, "long waves"))
    spectrum = fft.rfftn(np.random.Generator(key).standard_normal(shape, np.float32))
    kx, ky = (2 * np.pi * fft.fftfreq(n, _LONG_STEP) for n in shape[:2])
    kz = 2 * np.pi * fft.rfftfreq(shape[2], _LONG_STEP)
    squared = kx[:, None, None] ** 2 + ky[None, :, None] ** 2 + kz[None, None, :] ** 2
    cut = _CENTRAL * 2 * np.pi / SIDE
    power = np.where((squared > 0) & (squared < cut**2), linear_power(np.sqrt(squared), cosmology), 0.0)
    spectrum = np.asarray(spectrum) * np.sqrt(power / _LONG_STEP**3)
    safe = np.where(squared > 0, squared, 1.0)
    contrast = fft.irfftn(spectrum, s=shape)
    radial = fft.irfftn(1j * kx[:, None, None] / safe * spectrum, s=shape)
    wavenumber = np.geomspace(1e-4, cut, 512)
    variance = np.trapezoid(wavenumber**3 * linear_power(wavenumber, cosmology), np.log(wavenumber)) / (2 * np.pi**2)
    origin = np.array([-_LONG_MARGIN / 2, *(-_LONG_STEP * n / 2 for n in shape[1:])])
    return LongWaves(origin, np.asarray(contrast, np.float32), np.asarray(radial, np.float32), float(variance))


def generator(survey: Survey, cell: Cell, *draw: str) -> np.random.Generator:
    """Random numbers of one kind in one cell."""
    return np.random.Generator(np.random.Philox(key=fold(survey.seed, cell.identity, *draw)))


def box(survey: Survey, cell: Cell) -> xr.Dataset:
    """The evolved matter of a cell."""
    bounds = matter_surrogate().conditions["redshift"].bounds or (0.0, 3.0)
    return matter_surrogate().sample(
        1,
        seed=survey.seed,
        first=cell.identity,
        omega_m=survey.omega_m,
        sigma_8=survey.sigma_8,
        redshift=min(max(cell.redshift(survey.cosmology), bounds[0]), bounds[1]),
    )


def place(survey: Survey, cell: Cell) -> dict[str, np.ndarray]:
    """Galaxies of one cell that lie in the field.

    Returns
    -------
    dict of ndarray
        `position` (n, 3) in the field's frame [Mpc/h], `redshift` (n,) of the expansion alone, `velocity` (n,) along
        the line of sight [km/s], `red` (n,) bool; red galaxies first.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    evolved = box(survey, cell)
    displacement = np.moveaxis(evolved["displacement"].values[0], -1, 0)
    velocity = np.moveaxis(evolved["velocity"].values[0], -1, 0)
    initial = gaussian_filter(evolved["initial_density"].values[0], SMOOTHING / SPACING, mode="wrap")
    lattice = _near_field(survey, cell, float(np.abs(displacement).max()) + SPACING)
    start = cell.corner + (lattice + 0.5) * SPACING
    waves = long_waves(survey)
    long_contrast, _ = waves.at(start)
    short = initial[tuple(lattice.T)].astype(np.float64)
    redshift, bias = biases(survey)
    growth = survey.cosmology.growth(cell.redshift(survey.cosmology))
    variance = _smoothed_variance(survey.cosmology)
    densest = _densest_near(survey, cell, start, float(np.abs(displacement).max()) + SPACING)
    field = Field(survey.square_degrees, survey.centre)
    random = generator(survey, cell, "places")
    parts: list[dict[str, np.ndarray]] = []
    for name in ("red", "blue"):
        found = float(np.interp(cell.redshift(survey.cosmology), redshift, bias[name]))
        local, whole = (found - 1) * growth, found * growth
        weight = np.exp(local * short - local**2 * variance / 2)
        weight *= np.exp(whole * long_contrast - whole**2 * waves.variance / 2)
        mean = np.interp(densest, redshift, np.maximum.accumulate(density(survey, name)[::-1])[::-1])
        count = random.poisson(mean * weight * SPACING**3)
        rows = np.repeat(np.arange(len(lattice)), count)
        inside = random.random((len(rows), 3))
        where = (lattice[rows] + inside - 0.5).T  # in the mesh of the particles
        moved, flow = (
            np.stack([map_coordinates(part, where, order=1, mode="grid-wrap") for part in mesh], -1)
            for mesh in (displacement, velocity)
        )
        position = cell.corner + np.mod((lattice[rows] + inside) * SPACING + moved, SIDE)
        distance = np.linalg.norm(position, axis=1)
        true = redshift_at(distance, survey.cosmology)
        kept = random.random(len(rows)) * np.interp(densest[rows], redshift, density(survey, name)) < np.interp(
            true, redshift, density(survey, name)
        )
        kept &= field.holds(position) & (true >= NEAREST) & (true < survey.max_redshift)
        position, true = position[kept], true[kept]
        toward = position / distance[kept][:, None]
        unit = survey.cosmology.velocity_unit(cell.redshift(survey.cosmology))
        parts.append(
            {
                "position": position,
                "redshift": true,
                "velocity": (flow[kept] * toward).sum(-1) + waves.at(position)[1] * unit,
                "red": np.full(len(true), name == "red"),
            }
        )
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _near_field(survey: Survey, cell: Cell, margin: float) -> np.ndarray:
    """Lattice points (n, 3) from which a galaxy may come into the field, in a periodic box."""
    tangent = np.tan(Field(survey.square_degrees, survey.centre).half_side)
    points = (np.arange(round(SIDE / SPACING)) + 0.5) * SPACING
    x, y, z = (corner + points for corner in cell.corner)
    ends = (points < margin) | (points > SIDE - margin)  # may come out at the other end
    reach = np.where(ends, x.max(), x) + margin

    def within(values: np.ndarray, limit: np.ndarray) -> np.ndarray:
        near = np.min([np.abs(values + shift) for shift in (-SIDE, 0.0, SIDE)], axis=0)
        return near[None, :] <= limit[:, None] + margin

    across = within(y, reach * tangent)
    along = within(z, np.hypot(reach, reach * tangent) * tangent)
    farthest = float(comoving_distance(survey.max_redshift, survey.cosmology))
    close = (x - margin <= farthest) | ends
    return np.argwhere(across[:, :, None] & along[:, None, :] & close[:, None, None])


def _densest_near(survey: Survey, cell: Cell, start: np.ndarray, margin: float) -> np.ndarray:
    """Least redshift at which a galaxy that starts there may end."""
    least = np.linalg.norm(start, axis=1) - np.sqrt(3) * margin
    wraps = ((start - cell.corner < margin) | (start - cell.corner > SIDE - margin)).any(axis=1)
    nearest = np.abs(
        np.where(cell.corner * (cell.corner + SIDE) < 0, 0.0, np.minimum(abs(cell.corner), abs(cell.corner + SIDE)))
    )
    least = np.where(wraps, np.linalg.norm(nearest), least)
    return np.maximum(redshift_at(np.maximum(least, 0.0), survey.cosmology), NEAREST)


@lru_cache(maxsize=64)
def _smoothed_variance(cosmology: Cosmology) -> float:
    """Variance of a box's linear density contrast today after `SMOOTHING`."""
    from ..physics.cosmology.initial_fields import wavevectors

    size = round(SIDE / SPACING)
    kx, ky, kz = wavevectors(size, SIDE)
    squared = kx**2 + ky**2 + kz**2
    weight = np.where((kz == 0) | (np.arange(kz.size) == size // 2), 1, 2)
    window = np.exp(-squared * SMOOTHING**2)
    return float((weight * window * linear_power(np.sqrt(squared), cosmology)).sum() / SIDE**3)
