"""What a folder of cutouts holds, in one line for the help and for errors, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass

from .variables import BANDS

LAYOUT = (
    "a folder with a catalogue (CSV or FITS) and a cutout an object named by it, FITS (cube, extensions or one image) "
    "or JPEG and PNG, in folders below or beside it; as Galaxy Zoo 2 publishes it, or with columns named by --set "
    "identity=, morphology=, pixel_scale=, psf_fwhm=, noise=; a psf.fits beside it is the PSF of all"
)

PSFS = ("gaussian", "moffat", "kolmogorov")


@dataclass(frozen=True)
class Reading:
    """How a folder is read; texts are names of the catalogue's columns, or numbers; pixels are the files'.

    Attributes
    ----------
    size : int
        Pixels a side that are used of a cutout.
    bands : tuple of str
        Of the planes of FITS cutouts, in their order.
    identity, morphology, redshift : str
        Columns; those of Galaxy Zoo 2 and usual names where empty.
    pixel_scale : str
        Arcsec; what the files state where empty.
    psf : str
        "gaussian", "moffat" or "kolmogorov".
    psf_fwhm : str
        Arcsec, by band 0.8/0.7/0.7 or psf_{band}; assumed and said where empty and there is no psf.fits.
    noise : str
        Standard deviation in a pixel, in the images' unit; a column may have {band}. From the border where empty.
    zero_point : float
        AB magnitude of a flux of 1 in the images.
    deconvolve : bool
        Whether PSF and noise are taken out; False learns the cutouts as they are.
    """

    size: int = 48
    bands: tuple[str, ...] = BANDS
    identity: str = ""
    morphology: str = ""
    redshift: str = ""
    pixel_scale: str = ""
    psf: str = "moffat"
    psf_fwhm: str = ""
    noise: str = ""
    zero_point: float = 31.4
    deconvolve: bool = True

    def __post_init__(self) -> None:
        if self.psf not in PSFS:
            raise ValueError(f"psf: {self.psf!r}; expected gaussian, moffat or kolmogorov")
        if self.size % 8 or not 32 <= self.size <= 128:
            raise ValueError(f"size: {self.size} pixels; expected a multiple of 8 from 32 to 128")
        if not set(BANDS) <= set(self.bands):
            raise ValueError(f"bands: {','.join(self.bands)}; expected the planes' names, g, r and i among them")
