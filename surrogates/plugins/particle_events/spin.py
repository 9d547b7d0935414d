"""Production of tau pairs in e+e- -> gamma*/Z: angular distribution and the spin state of the pair, at Born level.

Amplitudes follow from the vector and axial couplings: the pair is produced as a spin triplet whose polarisation vector
is the lepton current's, with the axial part entering as a P wave (e.g. Alemany et al. 1992, Nucl. Phys. B379, 3;
Tsai 1971, Phys. Rev. D4, 2821). Decays enter through dGamma ~ 1 + h . s with the polarimeter vector h (Jadach and
Was 1984, Acta Phys. Polon. B15, 1151), so a sample needs no rejection: every density is linear in one cosine.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .kinematics import direction, dot3, unit

TAU_MASS = 1.77682
Z_MASS, Z_WIDTH = 91.1876, 2.4952
SIN2_MIXING = 0.2312  # propagator normalisation
SIN2_EFFECTIVE = 0.2315  # vector couplings of leptons
Z_STRENGTH = 1.0 / (16.0 * SIN2_MIXING * (1.0 - SIN2_MIXING))
# Pythia's spin density (HMETwoFermions2GammaZ2TwoFermions) divides the Z by 16 (sin^2 cos^2)^2, its cross section by
# 16 sin^2 cos^2; its default events show the former (the transverse correlation changes sign near 50 GeV, not 80).
Z_STRENGTH_OF_SPIN = Z_STRENGTH / (SIN2_MIXING * (1.0 - SIN2_MIXING))
AXIAL = -1.0
VECTOR = -1.0 + 4.0 * SIN2_EFFECTIVE


def couplings(mass: Tensor, kappa: float = Z_STRENGTH) -> tuple[Tensor, Tensor]:
    """Vector and axial amplitudes of gamma* and Z for the electron's two helicities.

    Parameters
    ----------
    mass : Tensor
        Tau-pair mass before final-state radiation [GeV], (n,).
    kappa : float
        Strength of the Z relative to the photon.

    Returns
    -------
    tuple of complex Tensors (n, 2)
        V and A, electron helicity -1/2 then +1/2, relative to the photon's.
    """
    s = mass**2
    z = kappa * s / torch.complex(s - Z_MASS**2, s * Z_WIDTH / Z_MASS)
    electron = torch.tensor([VECTOR + AXIAL, VECTOR - AXIAL], dtype=mass.dtype, device=mass.device)
    vector = 1.0 + z[:, None] * electron * VECTOR
    axial = z[:, None] * electron * AXIAL
    return vector, axial


def angular_coefficients(mass: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(a, b, c) of dN/dcos(theta) ~ a + b cos(theta) + c cos(theta)^2 for the tau- about the electron's direction."""
    vector, axial = couplings(mass)
    ratio = 4.0 * TAU_MASS**2 / mass**2
    beta = torch.sqrt(torch.clamp(1.0 - ratio, min=0.0))
    transverse = (vector.abs() ** 2).sum(-1) + beta**2 * (axial.abs() ** 2).sum(-1)
    longitudinal = ratio * (vector.abs() ** 2).sum(-1)
    helicity = torch.tensor([-1.0, 1.0], dtype=mass.dtype, device=mass.device)
    asymmetric = -2.0 * beta * (helicity * (vector * axial.conj()).real).sum(-1)
    return transverse + longitudinal, 2.0 * asymmetric, transverse - longitudinal


def cross_section(mass: Tensor) -> Tensor:
    """Born cross section up to a constant [GeV^-2], summed over helicities (PDG 2024, eq. 10.36 with masses)."""
    s, kappa = mass**2, Z_STRENGTH
    denominator = (s - Z_MASS**2) ** 2 + (s * (Z_WIDTH / Z_MASS)) ** 2
    interference = kappa * s * (s - Z_MASS**2) / denominator
    resonance = kappa**2 * s**2 / denominator
    both = VECTOR**2 + AXIAL**2
    vector = 1.0 + 2.0 * VECTOR**2 * interference + VECTOR**2 * both * resonance
    axial = AXIAL**2 * both * resonance
    ratio = 4.0 * TAU_MASS**2 / s
    beta_squared = torch.clamp(1.0 - ratio, min=0.0)
    return torch.sqrt(beta_squared) * (vector * (1.0 + 0.5 * ratio) + beta_squared * axial) / s


def sample_quadratic(a: Tensor, b: Tensor, c: Tensor, uniform: Tensor) -> Tensor:
    """Value in [-1, 1] with density ~ a + b x + c x^2, by inversion of the cubic (bisection, then Newton)."""
    norm = 2.0 * a + 2.0 * c / 3.0
    goal = uniform * norm - (a - b / 2.0 + c / 3.0)

    def cumulative(x: Tensor) -> Tensor:
        return x * (a + x * (b / 2.0 + x * c / 3.0))

    low, high = -torch.ones_like(goal), torch.ones_like(goal)
    for _ in range(8):
        middle = 0.5 * (low + high)
        above = cumulative(middle) > goal
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    x = 0.5 * (low + high)
    for _ in range(4):
        slope = torch.clamp(a + x * (b + x * c), min=1e-12)
        x = torch.minimum(torch.maximum(x - (cumulative(x) - goal) / slope, low), high)
    return x


def sample_cosine(mass: Tensor, uniform: Tensor) -> Tensor:
    """Cosine of the tau- scattering angle for pair masses [GeV], (n,)."""
    return sample_quadratic(*angular_coefficients(mass), uniform)


def spin_state(
    mass: Tensor, current: Tensor, energy: Tensor, kappa: float = Z_STRENGTH_OF_SPIN
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Spin density of the pair.

    Parameters
    ----------
    mass : Tensor
        Pair mass before final-state radiation [GeV], (n,).
    current : complex Tensor
        Spatial lepton current for electron helicities (-, +) in the pair's rest frame, in axes whose z is the tau-
        direction, (n, 2, 3).
    energy : Tensor
        Energy of each tau in the pair's rest frame [GeV], (n,).
    kappa : float
        Strength of the Z relative to the photon; the default is the one that Pythia's spin density has.

    Returns
    -------
    norm (n,), minus (n, 3), plus (n, 3), correlation (n, 3, 3)
        Weight of a decay pair: norm + minus . h- + plus . h+ + h- . correlation . h+, spins in each tau's rest frame.
    """
    vector, axial = couplings(mass, kappa)
    gamma = energy / TAU_MASS
    beta = torch.sqrt(torch.clamp(1.0 - 1.0 / gamma**2, min=0.0))[:, None]
    ex, ey, ez = current[..., 0], current[..., 1], current[..., 2]
    up_up = -(vector - beta * axial) * (ex - 1j * ey) / 2.0**0.5
    down_down = (vector + beta * axial) * (ex + 1j * ey) / 2.0**0.5
    mixed = vector * ez / gamma[:, None] / 2.0**0.5
    # rows: amplitude matrix psi[s-, s+]; every sum runs over the electron's helicity
    uu, dd, ud = up_up, down_down, mixed

    def total(x: Tensor) -> Tensor:
        return x.sum(-1).real

    uu2, dd2, ud2 = total(uu.abs() ** 2), total(dd.abs() ** 2), total(ud.abs() ** 2)
    cross_ud = (uu.conj() * dd).sum(-1)
    up_mixed = (uu.conj() * ud).sum(-1)
    mixed_down = (ud.conj() * dd).sum(-1)
    norm = uu2 + dd2 + 2.0 * ud2
    single = torch.stack((2.0 * (up_mixed + mixed_down).real, 2.0 * (up_mixed + mixed_down).imag, uu2 - dd2), dim=-1)
    xz = 2.0 * (up_mixed - mixed_down).real
    yz = 2.0 * (up_mixed - mixed_down).imag
    xx = 2.0 * cross_ud.real + 2.0 * ud2
    yy = -2.0 * cross_ud.real + 2.0 * ud2
    xy = 2.0 * cross_ud.imag
    zz = uu2 + dd2 - 2.0 * ud2
    correlation = torch.stack(
        (torch.stack((xx, xy, xz), -1), torch.stack((xy, yy, yz), -1), torch.stack((xz, yz, zz), -1)), dim=-2
    )
    return norm, single, single, correlation


def sample_polarimeter(analysing: Tensor, spin: Tensor, uniform: Tensor) -> Tensor:
    """Direction of a polarimeter vector for a tau of given spin.

    Parameters
    ----------
    analysing : Tensor
        Length of the polarimeter vector, 0 to 1, (n,).
    spin : Tensor
        Polarisation vector, length <= 1, (n, 3).
    uniform : Tensor
        (n, 2) in (0, 1).

    Returns
    -------
    Tensor
        Unit vectors with density ~ 1 + analysing * spin . direction, (n, 3).
    """
    slope = analysing * torch.sqrt(dot3(spin, spin))
    linear = 4.0 * uniform[:, 0] - 2.0 + slope
    cosine = linear / (1.0 + torch.sqrt(torch.clamp(1.0 + slope * linear, min=0.0)))
    return direction(unit(spin), torch.clamp(cosine, -1.0, 1.0), 2.0 * torch.pi * uniform[:, 1])
