"""Photon radiation as points of a hypercube, and back: initial-state photons and the tau pair's final-state shower."""

from __future__ import annotations

import torch
from torch import Tensor

from .kinematics import boost_from_rest, boost_to_rest, direction, dot3, mass_squared, unit
from .simulation import MINIMUM_MASS
from .spin import TAU_MASS, Z_MASS, Z_WIDTH, cross_section

ELECTRON_MASS = 0.000511
FINE_STRUCTURE = 1.0 / 137.036
DECADES = 10.0  # photon energies of the final-state shower reach this far below the maximum
LOWEST_DEFICIT = 1e-11  # of 1 - m^2 / s
REMNANT_DECADES = 14.2
SOFTNESS = 18.0  # e-foldings between successive initial-state photons
RAPIDITY = 14.0
_SPLIT = 50.0
_COLLINEAR = 32.0


def mass_table(energy: Tensor) -> tuple[Tensor, Tensor]:
    """Cumulative distribution of the log of the mass deficit 1 - m^2/s at each energy.

    Soft emission ~ v^(beta - 1) (1 + (1 - v)^2) / 2 times the Born cross section at the reduced mass (Kuraev and Fadin
    1985, Sov. J. Nucl. Phys. 41, 466), integrated on nodes that resolve the Z.

    Parameters
    ----------
    energy : Tensor
        sqrt(s) [GeV], (n,).

    Returns
    -------
    tuple of Tensor
        Nodes in log(v), (n, k) increasing, and their cumulative probabilities.
    """
    s = (energy**2)[:, None]
    low = torch.log(torch.tensor(LOWEST_DEFICIT, dtype=energy.dtype))
    high = torch.log1p(-(MINIMUM_MASS**2) / s)
    even = low + (high - low) * torch.linspace(0.0, 1.0, 64, dtype=energy.dtype)
    angle = torch.linspace(-1.45, 1.45, 48, dtype=energy.dtype)
    around = 1.0 - (Z_MASS**2 + Z_MASS * Z_WIDTH * torch.tan(angle)) / s
    around = torch.log(torch.clamp(around, min=LOWEST_DEFICIT))
    nodes = torch.sort(torch.minimum(torch.cat((even, around), dim=1), high), dim=1).values
    deficit = torch.exp(nodes)
    beta = 2.0 * FINE_STRUCTURE / torch.pi * (torch.log(s / ELECTRON_MASS**2) - 1.0)
    mass = torch.sqrt(torch.clamp(s * (1.0 - deficit), min=MINIMUM_MASS**2))
    born = cross_section(mass)
    density = torch.exp(beta * nodes) * (1.0 + (1.0 - deficit) ** 2) * born
    steps = 0.5 * (density[:, 1:] + density[:, :-1]) * (nodes[:, 1:] - nodes[:, :-1])
    cumulative = torch.cat((torch.zeros_like(steps[:, :1]), torch.cumsum(steps, dim=1)), dim=1)
    return nodes, cumulative / cumulative[:, -1:]


def _tables(energy: Tensor) -> tuple[Tensor, Tensor]:
    """`mass_table` of each row, made once for each energy that occurs."""
    several, which = torch.unique(energy, return_inverse=True)
    nodes, cumulative = mass_table(several)
    if len(several) == 1:
        return nodes.expand(len(energy), -1), cumulative.expand(len(energy), -1)
    return nodes[which], cumulative[which]


def _interpolate(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """Piecewise-linear interpolation row by row."""
    one = xs.stride(0) == 0 or len(xs) == 1  # the same table for every row
    right = torch.searchsorted(xs[0].contiguous(), x)[:, None] if one else torch.searchsorted(xs, x[:, None])
    right = torch.clamp(right, 1, xs.shape[1] - 1)
    x0, x1 = xs.gather(1, right - 1)[:, 0], xs.gather(1, right)[:, 0]
    y0, y1 = ys.gather(1, right - 1)[:, 0], ys.gather(1, right)[:, 0]
    width = torch.where(x1 > x0, x1 - x0, torch.ones_like(x0))
    return y0 + torch.clamp((x - x0) / width, 0.0, 1.0) * (y1 - y0)


def encode_mass(mass: Tensor, energy: Tensor) -> Tensor:
    """Tau-pair mass [GeV] to its coordinate in [0, 1]."""
    nodes, cumulative = _tables(energy)
    deficit = torch.clamp((energy - mass) * (energy + mass) / energy**2, min=LOWEST_DEFICIT)
    return _interpolate(torch.log(deficit), nodes, cumulative)


def decode_mass(coordinate: Tensor, energy: Tensor) -> Tensor:
    """Inverse of `encode_mass`."""
    nodes, cumulative = _tables(energy)
    deficit = torch.exp(_interpolate(coordinate, cumulative, nodes))
    return energy * torch.sqrt(1.0 - deficit)


def rapidity(p: Tensor) -> Tensor:
    """Pseudorapidity of photons."""
    transverse = torch.sqrt(p[..., 0] ** 2 + p[..., 1] ** 2)
    return torch.asinh(p[..., 2] / torch.clamp(transverse, min=1e-12))


def encode_initial(photons: Tensor, remnants: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates of initial-state radiation.

    Parameters
    ----------
    photons : Tensor
        (n, k, 4) by decreasing energy, zeros beyond the count [GeV].
    remnants : Tensor
        (n, 2) energies of the collinear photons along +z and -z [GeV].

    Returns
    -------
    core (n, 3), soft (n, k - 1, 2)
        With photons: logs of both remnants, rapidity of the hardest; without: the remnants' sharing in column one.
    """
    energies = photons[..., 3]
    some = energies[:, 0] > 0
    logs = (torch.log10(torch.clamp(remnants, min=1e-12)) + 12.0) / REMNANT_DECADES
    leading = rapidity(photons) / (2.0 * RAPIDITY) + 0.5
    sharing = torch.log(remnants[:, 0] / remnants[:, 1]) / _SPLIT + 0.5
    core = torch.stack((torch.where(some, logs[:, 0], sharing), logs[:, 1], leading[:, 0]), dim=-1)
    ratio = energies[:, 1:] / torch.clamp(energies[:, :-1], min=1e-30)
    softness = -torch.log(torch.clamp(ratio, min=1e-12)) / SOFTNESS
    return core.clamp(0.0, 1.0), torch.stack((softness, leading[:, 1:]), dim=-1).clamp(0.0, 1.0)


def decode_initial(
    energy: Tensor, mass: Tensor, count: Tensor, core: Tensor, soft: Tensor, azimuth: Tensor
) -> tuple[Tensor, Tensor]:
    """Photons that leave exactly the pair mass `mass`.

    The shape of the radiation (ratios and directions) is kept; its scale solves (P - K)^2 = m^2.

    Parameters
    ----------
    energy, mass : Tensor
        sqrt(s) and pair mass [GeV], (n,).
    count : Tensor
        Photons beside the remnants, (n,).
    core, soft, azimuth : Tensor
        (n, 3), (n, k - 1, 2), (n, k) [rad].

    Returns
    -------
    photons (n, k, 4), remnants (n, 2)
    """
    slots = azimuth.shape[1]
    ratio = torch.exp(-SOFTNESS * soft[..., 0])
    fractions = torch.cumprod(torch.cat((torch.ones_like(ratio[:, :1]), ratio), dim=1), dim=1)
    valid = torch.arange(slots, device=energy.device) < count[:, None]
    fractions = fractions * valid
    eta = 2.0 * RAPIDITY * (torch.cat((core[:, 2:3], soft[..., 1]), dim=1) - 0.5)
    transverse, longitudinal = 1.0 / torch.cosh(eta), torch.tanh(eta)
    shape = fractions[..., None] * torch.stack(
        (transverse * torch.cos(azimuth), transverse * torch.sin(azimuth), longitudinal, torch.ones_like(eta)), dim=-1
    )
    some = count > 0
    remnants = 10.0 ** (core[:, :2] * REMNANT_DECADES - 12.0)
    scale = torch.clamp(0.5 * (energy - mass) / remnants.sum(-1), max=1.0)
    remnants = remnants * scale[:, None]
    total = torch.stack(
        (
            torch.zeros_like(energy),
            torch.zeros_like(energy),
            remnants[:, 1] - remnants[:, 0],
            energy - remnants.sum(-1),
        ),
        -1,
    )
    missing = total[:, 3] ** 2 - total[:, 2] ** 2 - mass**2
    radiated = _sum(shape)
    product = total[:, 3] * radiated[:, 3] - dot3(total, radiated)
    square = torch.clamp(mass_squared(radiated), min=0.0)
    root = torch.sqrt(torch.clamp(product**2 - square * missing, min=0.0))
    strength = missing / torch.clamp(product + root, min=1e-300)
    photons = torch.where(some[:, None, None], shape * strength[:, None, None], torch.zeros_like(shape))
    sharing = torch.sigmoid(_SPLIT * (core[:, 0] - 0.5))
    gap = (energy - mass) * (energy + mass)
    both = gap / (energy + torch.sqrt(energy**2 - 4.0 * sharing * (1.0 - sharing) * gap))
    alone = torch.stack((both * sharing, both * (1.0 - sharing)), dim=-1)
    return photons, torch.where(some[:, None], remnants, alone)


def _sum(p: Tensor) -> Tensor:
    """Sum over the particle axis in a fixed order."""
    total = p[:, 0]
    for i in range(1, p.shape[1]):
        total = total + p[:, i]
    return total


def largest_photon(mass: Tensor) -> Tensor:
    """Largest photon energy [GeV] that a tau pair of mass `mass` can emit, in its rest frame."""
    return (mass**2 - 4.0 * TAU_MASS**2) / (2.0 * mass)


def mass_after(mass: Tensor, coordinate: Tensor) -> Tensor:
    """Mass of the tau pair after an emission with energy coordinate `coordinate`."""
    photon = largest_photon(mass) * 10.0 ** (DECADES * (coordinate - 1.0))
    return torch.sqrt(mass**2 - 2.0 * mass * photon)


def _recoil_range(mass: Tensor, photon: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and half width of the recoiling tau's energy in the dipole's rest frame."""
    pair = torch.clamp(mass**2 - 2.0 * mass * photon, min=4.0 * TAU_MASS**2)
    velocity = torch.sqrt(torch.clamp(1.0 - 4.0 * TAU_MASS**2 / pair, min=0.0))
    return 0.5 * (mass - photon), 0.5 * photon * velocity


def encode_final(mass: Tensor, photon: Tensor, recoil: Tensor) -> Tensor:
    """Energies [GeV] of photon and recoiling tau in the dipole's rest frame to two coordinates in [0, 1]."""
    hardness = 1.0 + torch.log10(torch.clamp(photon / largest_photon(mass), min=1e-30)) / DECADES
    centre, half = _recoil_range(mass, photon)
    fraction = torch.clamp(0.5 + 0.5 * (recoil - centre) / torch.clamp(half, min=1e-300), 1e-9, 1.0 - 1e-9)
    return torch.stack((hardness, torch.logit(fraction) / _COLLINEAR + 0.5), dim=-1).clamp(0.0, 1.0)


def emit(
    minus: Tensor, plus: Tensor, coordinates: Tensor, from_minus: Tensor, azimuth: Tensor, active: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One photon emission off the tau pair; the recoiling tau keeps its direction in the pair's rest frame.

    Parameters
    ----------
    minus, plus : Tensor
        Momenta of tau- and tau+, (n, 4) [GeV].
    coordinates : Tensor
        (n, 2) as from `encode_final`.
    from_minus, active : Tensor
        Which tau radiates; whether there is an emission, (n,) bool.
    azimuth : Tensor
        (n,) [rad].

    Returns
    -------
    tuple of Tensor
        tau-, tau+ and photon momenta after the emission.
    """
    dipole = minus + plus
    mass = torch.sqrt(mass_squared(dipole))
    photon = largest_photon(mass) * 10.0 ** (DECADES * (coordinates[:, 0] - 1.0))
    centre, half = _recoil_range(mass, photon)
    recoil = centre + half * (2.0 * torch.sigmoid(_COLLINEAR * (coordinates[:, 1] - 0.5)) - 1.0)
    recoil_momentum = torch.sqrt(torch.clamp(recoil**2 - TAU_MASS**2, min=0.0))
    radiator_squared = torch.clamp((mass - photon - recoil) ** 2 - TAU_MASS**2, min=0.0)
    cosine = (radiator_squared - recoil_momentum**2 - photon**2) / (2.0 * recoil_momentum * photon)
    axis = unit(boost_to_rest(torch.where(from_minus[:, None], plus, minus), dipole, mass))
    k = photon[:, None] * direction(axis, torch.clamp(cosine, -1.0, 1.0), azimuth)
    c = recoil_momentum[:, None] * axis
    r = -(k + c)
    radiator = torch.cat((r, torch.sqrt(dot3(r, r) + TAU_MASS**2)[:, None]), dim=-1)
    recoiler = torch.cat((c, torch.sqrt(recoil_momentum**2 + TAU_MASS**2)[:, None]), dim=-1)
    gamma = torch.cat((k, photon[:, None]), dim=-1)
    radiator, recoiler, gamma = (boost_from_rest(p, dipole, mass) for p in (radiator, recoiler, gamma))
    on = active[:, None]
    return (
        torch.where(on, torch.where(from_minus[:, None], radiator, recoiler), minus),
        torch.where(on, torch.where(from_minus[:, None], recoiler, radiator), plus),
        torch.where(on, gamma, torch.zeros_like(gamma)),
    )
