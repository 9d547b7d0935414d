"""What the figures of cosmic-web should reach."""

from __future__ import annotations

from collections.abc import Mapping

from ...contract.findings import Target

N_BOXES = 10
"""Boxes of the prior's cosmologies and redshifts that the figures are taken on."""

LIMITS: Mapping[str, tuple[float, str]] = {
    "power": (0.05, "largest relative difference of the power to k = 1 h/Mpc"),
    "power_large_scales": (0.01, "relative difference of the power below 0.15 h/Mpc: growth with redshift"),
    "decorrelation_half": (0.01, "1 - r at k = 0.5 h/Mpc"),
    "decorrelation": (0.03, "1 - r at k = 1 h/Mpc"),
    "displacement": (0.05, "root mean square error of the displacement over its own"),
    "velocity": (0.30, "root mean square error of the velocity over its own"),
    "momentum": (0.05, "largest relative difference of the momentum power to k = 1 h/Mpc"),
    "pairwise_velocity": (0.05, "largest relative difference of the pairwise velocity, 1 to 8 Mpc/h"),
    "bispectrum_equilateral": (0.10, "largest relative difference of equilateral bispectra, k = 0.2 to 0.6 h/Mpc"),
    "bispectrum_squeezed": (0.10, "relative difference of the squeezed bispectrum, k = 0.1, 0.5, 0.5 h/Mpc"),
    "densities": (0.05, "total variation between distributions of ln(1 + contrast) at 2 Mpc/h"),
    "peaks": (0.10, "relative difference of the number of peaks above contrast 2 at 2 Mpc/h"),
    "void_radius": (0.10, "relative difference of the volume-weighted radius of voids"),
    "haloes": (0.15, "relative difference of the number of friends-of-friends haloes of 20 particles and more"),
    "isotropy": (0.01, "difference of the share of power along an axis"),
}

TARGETS: Mapping[str, Target] = {
    name: Target(N_BOXES, at_most=limit, description=text) for name, (limit, text) in LIMITS.items()
}
