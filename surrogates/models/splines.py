"""Monotone rational-quadratic splines on the unit interval, bins along the leading axis.

Durkan et al. 2019, "Neural spline flows", arXiv:1906.04032, section 3.1 and appendix A; the spline itself goes back to
Gregory and Delbourgo 1982, IMA J. Numer. Anal. 2, 123. Bins lead, so that every operation runs along contiguous rows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

MINIMUM_BIN = 1e-3
MINIMUM_DERIVATIVE = 1e-3
# softplus(_UNIT_DERIVATIVE) + MINIMUM_DERIVATIVE = 1: zero logits give the identity
_UNIT_DERIVATIVE = math.log(math.expm1(1.0 - MINIMUM_DERIVATIVE))


def bin_sizes(logits: Tensor) -> Tensor:
    """Positive sizes that add up to 1 along the leading axis.

    Parameters
    ----------
    logits : Tensor
        (bins, ...), any real values.

    Returns
    -------
    Tensor
        (bins, ...), each at least ``MINIMUM_BIN``.
    """
    shares, scale = torch.softmax(logits, dim=0), 1.0 - MINIMUM_BIN * logits.shape[0]
    if shares.requires_grad:
        return shares.mul(scale).add(MINIMUM_BIN)
    return shares.mul_(scale).add_(MINIMUM_BIN)


def knot_derivatives(logits: Tensor) -> Tensor:
    """Positive derivatives; 1 where the logit is 0."""
    return functional.softplus(logits + _UNIT_DERIVATIVE).add(MINIMUM_DERIVATIVE)


def left_edges(sizes: Tensor) -> Tensor:
    """Left edge of each bin: the exclusive cumulative sum of `sizes` along the leading axis."""
    earlier = torch.ones(sizes.shape[0], sizes.shape[0], dtype=sizes.dtype, device=sizes.device).tril_(-1)
    return (earlier @ sizes.reshape(sizes.shape[0], -1)).view(sizes.shape)


def _count(true: Tensor) -> Tensor:
    """How many are true along the leading axis, which stays, int64; as a product, which is quicker than a sum."""
    ones = torch.ones(1, true.shape[0], device=true.device)
    return (ones @ true.reshape(true.shape[0], -1).float()).long().view(1, *true.shape[1:])


def rational_quadratic(
    inputs: Tensor,
    width_logits: Tensor,
    height_logits: Tensor,
    derivative_logits: Tensor,
    *,
    inverse: bool = False,
    values_alone: bool = False,
) -> tuple[Tensor, Tensor]:
    """Evaluate monotone rational-quadratic splines of [0, 1] onto itself, or their inverses.

    Parameters
    ----------
    inputs : Tensor
        (...), values in [0, 1]; clamped to it.
    width_logits, height_logits : Tensor
        (bins, ...), bin sizes by `bin_sizes`.
    derivative_logits : Tensor
        (bins + 1, ...), slopes at the knots by `knot_derivatives`; all logits 0 give the identity.
    inverse : bool
        Evaluate the inverse, whose inputs are heights.
    values_alone : bool
        Leave the derivative out; with `inverse`, 0 stands in its place.

    Returns
    -------
    outputs : Tensor
        (...), in [0, 1].
    log_derivative : Tensor
        (...), natural logarithm of d outputs / d inputs.

    Notes
    -----
    arXiv:1906.04032: eq. (4) forward, eq. (5) its derivative, eqs. (6)-(8) and (29)-(32) the stable inverse root.
    """
    inputs = inputs.clamp(0.0, 1.0)
    widths, heights = bin_sizes(width_logits), bin_sizes(height_logits)
    left_x, left_y = left_edges(widths), left_edges(heights)
    edges = left_y if inverse else left_x
    index = _count(inputs.unsqueeze(0) >= edges[1:])

    def here(table: Tensor) -> Tensor:
        return table.gather(0, index).squeeze(0)

    x, width, y, height = here(left_x), here(widths), here(left_y), here(heights)
    slope0 = knot_derivatives(here(derivative_logits))
    slope1 = knot_derivatives(here(derivative_logits[1:]))
    secant = height / width
    curvature = slope0 + slope1 - 2.0 * secant
    if inverse:
        rise = inputs - y
        bend = rise * curvature
        a = height * (secant - slope0) + bend
        b = height * slope0 - bend
        c = -secant * rise
        discriminant = (b * b - 4.0 * a * c).clamp_min(0.0)
        theta = (2.0 * c / (-b - torch.sqrt(discriminant))).clamp(0.0, 1.0)
    else:
        theta = ((inputs - x) / width).clamp(0.0, 1.0)
    if inverse and values_alone:
        return (x + theta * width).clamp(0.0, 1.0), inputs.new_zeros(())
    between = theta * (1.0 - theta)
    squared = theta * theta
    denominator = secant + curvature * between
    numerator = slope1 * squared + 2.0 * secant * between + slope0 * (1.0 - theta).square()
    log_derivative = torch.log(numerator * (secant / denominator).square())
    if inverse:
        return (x + theta * width).clamp(0.0, 1.0), -log_derivative
    outputs = y + height * (secant * squared + slope0 * between) / denominator
    return outputs.clamp(0.0, 1.0), log_derivative
