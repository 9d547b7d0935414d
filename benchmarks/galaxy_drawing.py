"""Other ways to draw galaxy images, for the benchmark: chromatic with DCR, photon shooting, plain discs in torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import xarray as xr

from surrogates.plugins.galaxy_images.latents import merger_parts
from surrogates.plugins.galaxy_images.profiles import Part, parts
from surrogates.plugins.galaxy_images.reference import galaxy_structure, total_flux
from surrogates.plugins.galaxy_images.variables import (
    BAND_LIMIT_FWHM,
    BANDS,
    CONDITIONS,
    MORPHOLOGIES,
    OUTPUTS,
    PIXEL_SCALE,
    STAMP,
)

SCALE = PIXEL_SCALE
FWHM = 0.7
ZENITH_ANGLE = 35.0
SEDS = {
    "spiral": ("E", "Sbc", "Sbc"),
    "elliptical": ("E",),
    "merger": ("Im",),
    "edge_on": ("E", "Sbc"),
}
"""Template of each part of a class."""

DCR = f"SEDs of the parts, LSST bandpasses, an atmosphere at {ZENITH_ANGLE:g} deg from the zenith"
SMOOTH = "the cheapest alternative: one smooth exponential disc a galaxy in closed form, no bulge, arms, knots or tails"


def dataset(conditions: xr.Dataset, images: np.ndarray) -> xr.Dataset:
    """Conditions and images (n, band, y, x) as a simulator gives them."""
    fraction = np.ones((len(images), len(BANDS)))
    outputs = {"image": images, "enclosed_flux_fraction": fraction}
    return conditions.merge(OUTPUTS.dataset(outputs, conditions["sample"].values))


def drawn(profile: Any, **options: Any) -> np.ndarray:
    """The stamp of a GalSim object."""
    return profile.drawImage(nx=STAMP, ny=STAMP, scale=SCALE, method="no_pixel", **options).array


def galaxies(conditions: xr.Dataset, seed: int) -> Iterator[tuple[int, Mapping[str, float], list[Part], np.ndarray]]:
    """Class code, scalar conditions, parts and fluxes in nJy a band of every row."""
    samples = conditions["sample"].values
    found = galaxy_structure(samples, seed)
    merging = merger_parts(found)
    names = [variable.name for variable in CONDITIONS if not variable.dims]
    columns = {name: conditions[name].values for name in names}
    for row in range(len(samples)):
        asked = {name: float(values[row]) for name, values in columns.items()}
        structure: dict[str, Any] = {name: values[row] for name, values in found.items()}
        structure["merger"] = {name: values[row] for name, values in merging.items()}
        kind = int(asked["morphology"])
        flux = total_flux(np.array([asked[f"magnitude_{band}"] for band in BANDS]))
        yield kind, asked, parts(kind, asked, structure), flux


@dataclass(frozen=True)
class Chromatic:
    """GalSim's chromatic drawing with differential chromatic refraction and seeing."""

    conditions: Any = CONDITIONS
    outputs: Any = OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Draw each band by integrating over wavelength."""
        import galsim

        bandpasses = _bandpasses()
        psf = galsim.ChromaticAtmosphere(
            galsim.Kolmogorov(fwhm=FWHM),
            bandpasses["r"].effective_wavelength,
            zenith_angle=ZENITH_ANGLE * galsim.degrees,
        )
        images = []
        for kind, asked, components, flux in galaxies(conditions, seed):
            coloured = []
            for part, name in zip(components, SEDS[MORPHOLOGIES[kind]], strict=True):
                sed = _sed(name).atRedshift(asked["redshift"]).withFlux(flux[1] * part.shares[1], bandpasses["r"])
                coloured.append(part.profile * sed)
            seen = galsim.Convolve([galsim.Add(coloured), psf])
            images.append([drawn(seen, bandpass=bandpasses[band]) for band in BANDS])
        return dataset(conditions, np.array(images))


@cache
def _bandpasses() -> dict[str, Any]:
    import galsim

    return {band: galsim.Bandpass(f"LSST_{band}.dat", "nm").withZeropoint("AB").thin() for band in BANDS}


@cache
def _sed(name: str) -> Any:
    import galsim

    return galsim.SED(f"CWW_{name}_ext.sed", "Ang", "flambda").thin()


@dataclass(frozen=True)
class PhotonShooting:
    """GalSim's photon shooting, so many photons a band.

    Attributes
    ----------
    photons : int
    """

    photons: int
    conditions: Any = CONDITIONS
    outputs: Any = OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """Shoot every band of every galaxy."""
        import galsim

        psf = galsim.Kolmogorov(fwhm=FWHM)
        images = []
        for row, (kind, asked, components, flux) in enumerate(galaxies(conditions, seed)):
            rng = galsim.BaseDeviate(seed * 1_000_003 + int(conditions["sample"].values[row]) + 1)
            if kind == MORPHOLOGIES.index("edge_on"):
                disc = galsim.Exponential(half_light_radius=asked["half_light_radius"])
                disc = disc.shear(g=asked["ellipticity"], beta=asked["position_angle"] * galsim.degrees)
                components = [components[0], Part(disc, components[1].shares)]
            bands = []
            for k in range(len(BANDS)):
                image = galsim.Image(STAMP, STAMP, scale=SCALE, init_value=0.0)
                for part in components:  # GalSim 2.8 gives sums a wrong flux where one of them has negative photons
                    count = round(self.photons * part.shares[k])
                    if count:
                        seen: Any = galsim.Convolve(part.profile, psf)
                        seen = seen.withFlux(flux[k] * part.shares[k])
                        options = {"n_photons": count, "poisson_flux": False, "rng": rng, "add_to_image": True}
                        seen.drawImage(image, method="phot", **options)
                bands.append(image.array)
            images.append(bands)
        return dataset(conditions, np.array(images))


@dataclass(frozen=True)
class TorchExponential:
    """Exponential discs of the asked size, shape and flux, from their Fourier transform in closed form."""

    conditions: Any = CONDITIONS
    outputs: Any = OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        """FT of an exponential disc, (1 + k^2 h^2)^(-3/2), times the PSF's, on twice the stamp."""
        import torch

        size = 2 * STAMP
        ky = 2 * torch.pi * torch.fft.fftfreq(size, SCALE)[None, :, None]
        kx = 2 * torch.pi * torch.fft.rfftfreq(size, SCALE)[None, None, :]
        column = {
            name: torch.tensor(conditions[name].values, dtype=torch.float32)[:, None, None]
            for name in ("half_light_radius", "ellipticity", "position_angle")
        }
        angle = torch.deg2rad(column["position_angle"])
        stretch = torch.sqrt((1 + column["ellipticity"]) / (1 - column["ellipticity"]))
        length = column["half_light_radius"] / 1.678347
        along = (torch.cos(angle) * kx + torch.sin(angle) * ky) * length * stretch
        across = (torch.cos(angle) * ky - torch.sin(angle) * kx) * length / stretch
        k = torch.sqrt(kx**2 + ky**2)
        sigma = BAND_LIMIT_FWHM / 2.354820
        kolmogorov = torch.exp(-3.44 * (k * FWHM / (0.975865 * 2 * torch.pi)) ** (5 / 3))
        centre = torch.exp(-0.5j * (kx + ky) * (STAMP - 1) * SCALE)
        spectrum = (1 + along**2 + across**2) ** -1.5 * (kolmogorov * torch.exp(-0.5 * (k * sigma) ** 2) * centre)
        disc = torch.fft.irfft2(spectrum, s=(size, size))[:, :STAMP, :STAMP].numpy()
        flux = np.stack([total_flux(conditions[f"magnitude_{band}"].values) for band in BANDS], axis=-1)
        return dataset(conditions, disc[:, None] * flux[:, :, None, None])
