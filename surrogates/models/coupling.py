"""Conditional spline coupling flows on the unit hypercube or on R^d, with angles and per-row dimension masks.

Durkan et al. 2019, "Neural spline flows", arXiv:1906.04032; circular splines after Rezende et al. 2020, "Normalizing
flows on tori and spheres", arXiv:2002.02428.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .splines import rational_quadratic


def coupling_masks(d: int, couplings: int, *, kind: str = "balanced", seed: int = 0) -> tuple[tuple[bool, ...], ...]:
    """Which dimensions each coupling transforms (True); the others condition them.

    Parameters
    ----------
    d : int
        Number of dimensions; a single one is transformed by every coupling.
    couplings : int
    kind : {"balanced", "alternating", "random"}
        "balanced" greedily separates the pairs of dimensions that no coupling has separated yet, so that any two become
        dependent whichever others a row leaves out; "alternating" takes even and odd dimensions in turn; "random" takes
        random halves and their complements in turn.
    seed : int
        Of the random halves and of the ties.

    Raises
    ------
    ValueError
        Unknown `kind`.
    """
    if d == 1:
        return ((True,),) * couplings
    if kind == "alternating":
        return tuple(tuple((i + k) % 2 == 1 for i in range(d)) for k in range(couplings))
    if kind not in ("balanced", "random"):
        raise ValueError(f"kind: {kind!r} is unknown; expected balanced, alternating or random")
    generator = random.Random(seed)
    if d <= 12:
        halves = [frozenset(half) for half in itertools.combinations(range(d), d // 2)]
        halves += [frozenset(range(d)) - half for half in halves] if d % 2 else []
    else:
        halves = [frozenset(generator.sample(range(d), d // 2)) for _ in range(512)]
        halves += [frozenset(range(d)) - half for half in halves]
    generator.shuffle(halves)
    chosen: list[frozenset[int]] = []
    seen = dict.fromkeys(itertools.permutations(range(d), 2), 0)
    for k in range(couplings):
        if k % 2 and kind == "random":
            half = frozenset(range(d)) - chosen[-1]
        elif kind == "random":
            half = halves[(k // 2) % len(halves)]
        else:
            half = max(halves, key=lambda half: _gain(half, d, seen, chosen))
        chosen.append(half)
        for pair in itertools.product(half, frozenset(range(d)) - half):
            seen[pair] += 1
    return tuple(tuple(i in half for i in range(d)) for half in chosen)


def _gain(half: frozenset[int], d: int, seen: dict[tuple[int, int], int], chosen: Sequence[frozenset[int]]) -> float:
    """Newly separated ordered pairs, less a charge for dimensions that were transformed often before."""
    gain = sum(4.0 ** -seen[pair] for pair in itertools.product(half, frozenset(range(d)) - half))
    return (
        gain
        - 0.5 * d * sum(earlier & half == half for earlier in chosen[-1:])
        - 0.3 * sum(len(earlier & half) for earlier in chosen)
    )


class SplineCoupling(nn.Module):
    """A normalising flow of rational-quadratic spline couplings, conditional on a context vector.

    Parameters
    ----------
    d : int
        Dimensions.
    context : int
        Length of the context vector; 0 for none.
    hidden, layers : int
        Width and number of hidden layers of each coupling's network.
    couplings, bins : int
    periodic : sequence of int
        Dimensions that are angles in turns, [0, 1) with 0 = 1 (unit support only).
    support : {"unit", "real"}
        Unit hypercube with a uniform base, or R^d with a standard normal base.
    bound : float
        Half-width of the splined box on R^d; identity outside.
    masks : str
        `kind` of `coupling_masks`.
    seed : int
        Of the coupling masks.

    Notes
    -----
    Rows lead at the boundary, (n, d); inside, features lead. A dimension that a row does not use (`used` False) passes
    unchanged, counts 0 in the density and is hidden from the networks; let the context tell which dimensions are used.
    """

    def __init__(
        self,
        d: int,
        context: int,
        hidden: int = 64,
        layers: int = 2,
        couplings: int = 4,
        bins: int = 8,
        periodic: Sequence[int] = (),
        *,
        support: str = "unit",
        bound: float = 5.0,
        masks: str = "balanced",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if support not in ("unit", "real"):
            raise ValueError(f"support: {support!r} is unknown; expected unit or real")
        if support == "real" and periodic:
            raise ValueError(f"periodic: {tuple(periodic)} on support real; expected support='unit' for angles")
        if any(not 0 <= i < d for i in periodic):
            raise ValueError(f"periodic: {tuple(periodic)} is out of range; expected 0 to {d - 1}")
        if layers < 1 or couplings < 1 or bins < 2:
            raise ValueError(f"layers={layers}, couplings={couplings}, bins={bins}; expected at least 1, 1 and 2")
        self.d, self.context, self.hidden, self.bins = d, context, hidden, bins
        self.support, self.bound = support, float(bound)
        self.periodic = tuple(sorted(set(periodic)))
        self.shapes: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = []
        self.entry = nn.ModuleList()
        self.middle = nn.ModuleList()
        self.exit = nn.ModuleList()
        self.context_entry = nn.Linear(context, couplings * hidden, bias=False) if context else None
        per_dimension = 3 * bins + 1 if support == "unit" else 3 * bins - 1
        for coupling, mask in enumerate(coupling_masks(d, couplings, kind=masks, seed=seed)):
            # angles last, so that they are one slice of the transformed block
            moved = sorted((i for i in range(d) if mask[i]), key=lambda i: (i in self.periodic, i))
            kept = sorted((i for i in range(d) if not mask[i]), key=lambda i: (i in self.periodic, i))
            straight = sum(i not in self.periodic for i in moved)
            self.register_buffer(f"moved{coupling}", torch.tensor(moved), persistent=False)
            self.register_buffer(f"kept{coupling}", torch.tensor(kept, dtype=torch.int64), persistent=False)
            angles = sum(i in self.periodic for i in kept)
            self.shapes.append((tuple(moved), tuple(kept), (straight, len(kept) - angles)))
            self.entry.append(nn.Linear(max(len(kept) + angles, 1), hidden))
            self.middle.append(nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers - 1)))
            last = nn.Linear(hidden, per_dimension * len(moved))
            nn.init.normal_(last.weight, std=0.1 / math.sqrt(hidden))
            nn.init.zeros_(last.bias)
            self.exit.append(last)

    @property
    def base(self) -> str:
        """Distribution of the noise: "uniform" or "normal"."""
        return "uniform" if self.support == "unit" else "normal"

    def forward(self, x: Tensor, context: Tensor | None = None, used: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map data to the base space.

        Parameters
        ----------
        x : Tensor
            (n, d); clamped to the unit hypercube there.
        context : Tensor, optional
            (n, context).
        used : Tensor, optional
            (n, d) bool; False leaves a dimension out of this row.

        Returns
        -------
        u : Tensor
            (n, d).
        log_det : Tensor
            (n,), log |det du/dx|.
        """
        return self._run(x, context, used, inverse=False)

    def inverse(self, u: Tensor, context: Tensor | None = None, used: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map the base space to data, (n, d), with log |det dx/du|, (n,)."""
        return self._run(u, context, used, inverse=True)

    def log_prob(self, x: Tensor, context: Tensor | None = None, used: Tensor | None = None) -> Tensor:
        """Natural logarithm of the density of the used dimensions, (n,)."""
        u, log_det = self.forward(x, context, used)
        if self.support == "unit":
            return log_det
        normal = -0.5 * (u.square() + math.log(2.0 * math.pi))
        return log_det + (normal if used is None else normal * used).sum(dim=-1)

    def sample(self, context: Tensor | None, noise: Tensor, used: Tensor | None = None) -> Tensor:
        """Data, (n, d), from base draws `noise` (n, d): uniform on the unit hypercube, normal on R^d."""
        draws = noise.to(self.exit[0].weight.dtype)  # type: ignore[arg-type]
        return self._run(draws, context, used, inverse=True, values_alone=True)[0]

    def _run(
        self, rows: Tensor, context: Tensor | None, used: Tensor | None, inverse: bool, values_alone: bool = False
    ) -> tuple[Tensor, Tensor]:
        if (context is None) != (self.context == 0):
            given = None if context is None else tuple(context.shape)
            raise ValueError(f"context: {given} given; expected {f'(n, {self.context})' if self.context else None}")
        values = rows.t().contiguous()
        if self.support == "real":
            values = values / (2.0 * self.bound) + 0.5
        mask = None if used is None else used.t().contiguous()
        condition = None
        if self.context_entry is not None and context is not None:
            weight = self.context_entry.weight
            condition = (weight @ context.t().to(weight.dtype)).chunk(len(self.shapes))
        log_det = values.new_zeros(values.shape[1])
        order = range(len(self.shapes))
        for k in reversed(order) if inverse else order:
            moved = getattr(self, f"moved{k}")
            old = values.index_select(0, moved)
            parameters = self._spline_parameters(k, values, None if condition is None else condition[k], mask)
            with torch.autocast(old.device.type, enabled=False):
                new, log_derivative = self._spline(k, old, parameters.to(old.dtype), inverse, values_alone)
            if mask is not None:
                moved_mask = mask.index_select(0, moved)
                new = torch.where(moved_mask, new, old)
                log_derivative = log_derivative if values_alone else log_derivative * moved_mask
            if not values_alone:
                log_det = log_det + log_derivative.sum(dim=0)
            values = values.index_copy(0, moved, new)
        if self.support == "real":
            values = (values - 0.5) * (2.0 * self.bound)
        return values.t(), log_det

    def _spline_parameters(self, k: int, values: Tensor, condition: Tensor | None, mask: Tensor | None) -> Tensor:
        """Spline parameters of coupling `k`, (per dimension, moved, n)."""
        entry, last = self.entry[k], self.exit[k]
        moved, kept, (_, straight) = self.shapes[k]
        if kept:
            index = getattr(self, f"kept{k}")
            seen = values.index_select(0, index) * 2.0 - 1.0
            if straight < len(kept):
                turns = seen[straight:] * math.pi
                seen = torch.cat((seen[:straight], torch.cos(turns), torch.sin(turns)))
                index = torch.cat((index, index[straight:]))
            if mask is not None:
                seen = seen * mask.index_select(0, index)
        else:
            seen = torch.zeros_like(values[:1])
        hidden = torch.addmm(entry.bias.unsqueeze(1), entry.weight, seen)  # type: ignore[union-attr,arg-type]
        inplace = not hidden.requires_grad
        if condition is not None:
            hidden = hidden.add_(condition) if inplace else hidden + condition
        hidden = functional.silu(hidden, inplace=inplace)
        for linear in self.middle[k]:  # type: ignore[union-attr]
            hidden = torch.addmm(linear.bias.unsqueeze(1), linear.weight, hidden)
            hidden = functional.silu(hidden, inplace=inplace)
        flat = torch.addmm(last.bias.unsqueeze(1), last.weight, hidden)  # type: ignore[union-attr,arg-type]
        return flat.view(-1, len(moved), values.shape[1])

    def _spline(
        self, k: int, inputs: Tensor, parameters: Tensor, inverse: bool, values_alone: bool = False
    ) -> tuple[Tensor, Tensor]:
        bins = self.bins
        widths, heights, slopes = parameters[:bins], parameters[bins : 2 * bins], parameters[2 * bins :]
        if self.support == "real":
            ends = inputs.new_zeros((1, *inputs.shape))
            slopes = torch.cat((ends, slopes, ends))
            outputs, log_derivative = rational_quadratic(
                inputs, widths, heights, slopes, inverse=inverse, values_alone=values_alone
            )
            inside = (inputs >= 0.0) & (inputs <= 1.0)
            return torch.where(inside, outputs, inputs), log_derivative * inside
        straight = self.shapes[k][2][0]
        if straight == inputs.shape[0]:
            return rational_quadratic(inputs, widths, heights, slopes, inverse=inverse, values_alone=values_alone)
        # an angle's last slope equals its first, and the freed parameter turns the circle by a shift
        shift = slopes[bins, straight:]
        slopes = torch.cat((slopes[:bins], torch.cat((slopes[bins, :straight], slopes[0, straight:])).unsqueeze(0)))
        if inverse:
            inputs = torch.cat((inputs[:straight], _turn(inputs[straight:] - shift)))
        outputs, log_derivative = rational_quadratic(
            inputs, widths, heights, slopes, inverse=inverse, values_alone=values_alone
        )
        if not inverse:
            outputs = torch.cat((outputs[:straight], _turn(outputs[straight:] + shift)))
        return outputs, log_derivative


def _turn(angle: Tensor) -> Tensor:
    """Angles in turns brought to [0, 1]."""
    return angle - torch.floor(angle)
