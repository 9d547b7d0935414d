"""A slice's way through a CT scanner: Hounsfield units to line integrals, photon counts, and filtered back-projection.

Hounsfield's scale is 1000 (mu - mu_water) / mu_water with air at -1000. Projections and reconstruction are those of
scikit-image (parallel beams, ramp filter with a Hann window); photons obey Poisson's law (Kak, Slaney 1988, "Principles
of Computerized Tomographic Imaging", chapters 3 and 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AIR, FAT, WATER, SOFT_TISSUE, MUSCLE, BLOOD = -1000.0, -95.0, 0.0, 40.0, 55.0, 45.0
"""Hounsfield units of materials that every slice has."""

SPONGY_BONE, CORTICAL_BONE, ENAMEL, METAL = 350.0, 1300.0, 2200.0, 7000.0
"""Middles of wide ranges, Hounsfield units."""

LEAST, MOST = -1024.0, 3071.0
"""Hounsfield units that twelve bits hold, as scanners store them."""

ATTENUATION_OF_WATER = 0.01929
"""1/mm at 70 keV (NIST XCOM, mass attenuation 0.1929 cm2/g), the mean energy of a 120 kV beam."""


def attenuation(hounsfield: np.ndarray) -> np.ndarray:
    """Linear attenuation [1/mm] of Hounsfield units; nothing attenuates less than air."""
    return ATTENUATION_OF_WATER * np.maximum(1.0 + np.asarray(hounsfield, dtype=np.float64) / 1000.0, 0.0)


def hounsfield(attenuation: np.ndarray) -> np.ndarray:
    """Hounsfield units of linear attenuation [1/mm]."""
    return 1000.0 * (np.asarray(attenuation) / ATTENUATION_OF_WATER - 1.0)


@dataclass(frozen=True)
class Scanner:
    """A scanner of parallel beams.

    Attributes
    ----------
    pixel : float
        Side of a pixel, mm.
    views : int
        Projections over half a turn.
    photons : float
        Sent along each ray.
    window : str
        Of the ramp filter: scikit-image's ``ramp``, ``shepp-logan``, ``cosine``, ``hamming`` or ``hann``.

    Examples
    --------
    >>> disc = np.where(np.hypot(*np.mgrid[-16:16, -16:16]) < 10, 40.0, -1000.0)
    >>> Scanner(pixel=2.0, views=60).scan(disc, np.random.default_rng(1)).shape
    (32, 32)
    """

    pixel: float = 2.0
    views: int = 180
    photons: float = 2e5
    window: str = "hann"

    def project(self, image: np.ndarray) -> np.ndarray:
        """Line integrals of a square slice.

        Parameters
        ----------
        image : ndarray
            (n, n) Hounsfield units. The field of view is the inscribed circle: what lies outside counts as air.

        Returns
        -------
        ndarray
            (n, views), pure numbers.
        """
        from skimage.transform import radon

        image = np.asarray(image, dtype=np.float64)
        if image.ndim != 2 or image.shape[0] != image.shape[1]:
            raise ValueError(f"image: shape {image.shape}; expected a square slice")
        inside = np.where(field_of_view(len(image)), attenuation(image), 0.0)
        return radon(inside, theta=self.angles, circle=True) * self.pixel

    def reconstruct(self, integrals: np.ndarray) -> np.ndarray:
        """Slice (n, n) in Hounsfield units of line integrals (n, views); air outside the field of view."""
        from skimage.transform import iradon

        found = iradon(np.asarray(integrals) / self.pixel, theta=self.angles, circle=True, filter_name=self.window)
        return np.where(field_of_view(len(found)), hounsfield(found), AIR)

    def scan(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """What the scanner shows of a slice: photons counted, integrals taken of the counts, and back-projected.

        Parameters
        ----------
        image : ndarray
            (n, n) Hounsfield units.
        random : Generator
            Of the photons.

        Returns
        -------
        ndarray
            (n, n) Hounsfield units within [-1024, 3071].
        """
        expected = self.photons * np.exp(-self.project(image))
        counts = np.maximum(random.poisson(expected), 1)
        return np.clip(self.reconstruct(np.log(self.photons / counts)), LEAST, MOST)

    def without_noise(self, image: np.ndarray) -> np.ndarray:
        """`scan` with endless photons: the part of the difference to `image` that is the reconstruction's own."""
        return np.clip(self.reconstruct(self.project(image)), LEAST, MOST)

    @property
    def angles(self) -> np.ndarray:
        """Of the views, degrees."""
        return np.linspace(0.0, 180.0, self.views, endpoint=False)


def field_of_view(size: int) -> np.ndarray:
    """(size, size) bool: the inscribed circle, as scikit-image centres it."""
    place = np.arange(size) - size // 2
    return place[:, None] ** 2 + place[None, :] ** 2 <= (size // 2) ** 2
