"""What the figures of cosmic-web's densities should reach."""

from __future__ import annotations

from collections.abc import Mapping

from ....contract.findings import Target

N_BOXES = 64
"""Boxes on each side that the figures are taken on."""

LIMITS: Mapping[str, tuple[float, str]] = {
    "power": (0.10, "largest relative difference of the power, k = 0.1 to 1.5 h/Mpc"),
    "power_scatter": (0.30, "largest relative difference of the scatter of ln P from box to box at a cosmology"),
    "power_response": (0.10, "relative difference of the slope of ln P with growth times sigma_8"),
    "densities": (0.05, "total variation between distributions of the density"),
    "smooth_densities": (0.05, "total variation between distributions of the density smoothed by 3 Mpc/h"),
    "peaks": (0.10, "relative difference of the number of peaks above contrast 5"),
    "high_peaks": (0.10, "relative difference of the number of peaks above contrast 20"),
    "void_radius": (0.10, "relative difference of the volume-weighted radius of voids"),
    "void_share": (0.10, "relative difference of the share of volume in voids"),
    "bispectrum": (0.10, "largest relative difference of reduced equilateral bispectra, k = 0.3 to 0.8 h/Mpc"),
    "bispectrum_squeezed": (0.10, "relative difference of the reduced squeezed bispectrum, k = 0.2, 0.6, 0.6 h/Mpc"),
    "isotropy": (0.01, "difference of the share of power along an axis from a third"),
    "repeats": (0.02, "how much more alike two boxes are, once shifted over each other, than the reference's"),
}

TARGETS: Mapping[str, Target] = {
    name: Target(N_BOXES, at_most=limit, description=text) for name, (limit, text) in LIMITS.items()
}
