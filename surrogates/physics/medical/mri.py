"""Magnetic resonance signals of tissues, the slow brightness of coils, and the noise of magnitude images.

Spin echo: S = PD (1 - exp(-TR/T1)) exp(-TE/T2); FLAIR: the longitudinal part is 1 - 2 exp(-TI/T1) + exp(-TR/T1)
(Bernstein, King, Zhou 2004, "Handbook of MRI Pulse Sequences", sections 14.2 and 14.3). Noise: Rice's law
(Gudbjartsson, Patz 1995, Magn. Reson. Med. 34, 910).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RELAXATION = {
    "background": (0.0, 1000.0, 50.0),
    "cerebrospinal_fluid": (1.0, 4000.0, 1800.0),
    "grey_matter": (0.82, 1120.0, 95.0),
    "white_matter": (0.70, 700.0, 75.0),
    "muscle": (0.75, 1000.0, 40.0),
    "fat": (0.90, 330.0, 70.0),
    "cortical_bone": (0.06, 900.0, 5.0),
    "marrow": (0.55, 420.0, 55.0),
    "oedema": (0.92, 1500.0, 170.0),
    "tumour": (0.85, 1350.0, 130.0),
    "infarct": (0.88, 1400.0, 150.0),
}
"""Proton density (of water's), T1 and T2 [ms] at 1.5 T, middles of published ranges (Stanisz et al. 2005, Magn. Reson.
Med. 54, 507; Bottomley et al. 1984, Med. Phys. 11, 425); for pathology of the latter's too."""

SEQUENCES = {"t1": (550.0, 12.0, 0.0), "t2": (4500.0, 95.0, 0.0), "flair": (9000.0, 110.0, 2450.0)}
"""Repetition, echo and inversion time [ms]; an inversion time of 0 is none."""


def signal(density: np.ndarray, t1: np.ndarray, t2: np.ndarray, sequence: tuple[float, float, float]) -> np.ndarray:
    """Magnitude of a spin-echo signal, in units of the proton density's; times in ms, see the module."""
    repetition, echo, inversion = sequence
    recovered = 1.0 - np.exp(-repetition / t1)
    if inversion:
        recovered = 1.0 - 2.0 * np.exp(-inversion / t1) + np.exp(-repetition / t1)
    return density * np.abs(recovered) * np.exp(-echo / t2)


@dataclass(frozen=True)
class Protocol:
    """How MR images vary from one to the next; pairs are ranges of uniform draws.

    Attributes
    ----------
    bias : (float, float)
        Deviation of the logarithm of the coil's brightness over the image.
    noise : (float, float)
        Deviation of either channel in units of white matter's signal.
    contrast : (float, float)
        Factor of the repetition time.
    gamma : (float, float)
        Exponent of the finished image, by which contrasts of vendors differ.
    """

    bias: tuple[float, float] = (0.0, 0.10)
    noise: tuple[float, float] = (0.01, 0.03)
    contrast: tuple[float, float] = (0.85, 1.2)
    gamma: tuple[float, float] = (0.95, 1.05)


USUAL = Protocol()
"""What networks are trained on."""

UNUSUAL = Protocol(bias=(0.13, 0.22), noise=(0.035, 0.06), contrast=(1.25, 1.7), gamma=(1.08, 1.25))
"""Bias, noise and contrast beyond every image of `USUAL`."""


def with_noise(image: np.ndarray, deviation: float, random: np.random.Generator) -> np.ndarray:
    """Magnitude of the image with Gaussian noise in both channels: Rice's law."""
    real = image + deviation * random.standard_normal(image.shape)
    return np.hypot(real, deviation * random.standard_normal(image.shape))
