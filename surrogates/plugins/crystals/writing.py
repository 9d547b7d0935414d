"""Writing crystals: every step drawn among what can still be completed, so that what is asked is met exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from ...models.autoregressive import EVEN, FEWEST
from ...noise import Noise
from ...physics.crystals.cells import from_free
from ...physics.crystals.elements import MOST
from ...physics.crystals.feasible import MOST_ATOMS, holds, holds_several, multiples
from ...physics.crystals.groups import group
from ...physics.crystals.standard import Standard, tidied
from .codec import orbit_features, together
from .energy import Estimator
from .network import CrystalNetwork, asked_vector, mixture, wrapped_parts
from .separation import fault, separated
from .tokens import (
    ATOMS,
    CELL,
    COORDINATE,
    COUNT,
    ELEMENT,
    ELEMENTS,
    GROUP,
    GROUPS,
    LETTER,
    LETTERS,
    LONGEST,
    ORDER,
    START,
    TOKENS,
    VALUE,
    cell_steps,
    coordinate_steps,
    step,
)
from .variables import ORBITS, SITES

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class CrystalSampler:
    """How crystals are written.

    Attributes
    ----------
    temperature : float
        Divides the logits of groups, elements and letters.
    spread : float
        Scales the widths of cells and coordinates about the mixtures' means: below 1 they lie nearer to the likeliest.
    best_of : int
        Crystals drawn for each sample, of which the one with the least estimated energy above the hull is kept.
    descent : bool
        Whether atoms that overlap are moved apart, in the free parameters alone.
    redraws : int
        How often at most a crystal is drawn again whose cell had to grow, or in which moyopy finds another space group
        than it was written in; after a descent alone.
    """

    temperature: float = 1.0
    spread: float = 0.7
    best_of: int = 1
    descent: bool = True
    redraws: int = 3

    def __post_init__(self) -> None:
        if not 1e-3 <= self.temperature <= 1e3:
            raise ValueError(f"temperature: {self.temperature!r}; expected 0.001 to 1000")
        if not 0.0 <= self.spread <= 10.0:
            raise ValueError(f"spread: {self.spread!r}; expected 0 to 10")
        for name, least, most in (("best_of", 1, 1000), ("redraws", 0, 100)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= most:
                raise ValueError(f"{name}: {value!r}; expected a whole number, {least} to {most}")


class Draft:
    """A crystal that is being written, and what may come next.

    Parameters
    ----------
    counts, marks : ndarray
        (MOST,) reduced formula, and elements, 0 where none are asked.
    number, atoms : int
        Group and atoms of the primitive cell; 0 where not asked.
    """

    def __init__(self, counts: np.ndarray, marks: np.ndarray, number: int, atoms: int) -> None:
        self.formula = {int(k) + 1: int(counts[k]) for k in np.flatnonzero(counts)}
        self.system = {int(k) + 1 for k in np.flatnonzero(marks)}
        self.asked_group, self.asked_atoms = number, atoms
        self.number = self.atoms = self.left = self.used = self.element = 0
        self.elements: list[int] = []
        self.places: list[int] = []
        self.needs: dict[int, int] = {}
        self.cell = np.zeros(6)
        self.free = np.zeros((ORBITS, 3))
        self.numbers: list[tuple[int, ...]] = []
        self.step: tuple[int, ...] | None = step(GROUP)

    # What may come next --------------------------------------------------------------------------------------------

    def allowed(self) -> np.ndarray:
        """Tokens, as places from the first of their kind, that can be completed."""
        assert self.step is not None
        kind = self.step[0]
        if kind == GROUP:
            asked = [self.asked_group] if self.asked_group else range(1, 231)
            return np.array([number - 1 for number in asked if self._sizes(number)], dtype=np.int64)
        if kind == COUNT:
            return np.array(self._sizes(self.number), dtype=np.int64) - 1
        if kind == ELEMENT:
            return np.array(self._next_elements(), dtype=np.int64) - 1
        return np.array(self._places(self.element), dtype=np.int64)

    def _sizes(self, number: int) -> list[int]:
        here = group(number)
        most = min(MOST_ATOMS, SITES // here.cells)
        if self.formula:
            each = sum(self.formula.values())
            units = multiples(number, tuple(sorted(self.formula.values())))
            sizes = [each * k for k in units if each * k <= most]
        else:
            sizes = [n for n in range(1, most + 1) if holds_several(number, 0, n, len(self.system))]
        return [n for n in sizes if n == self.asked_atoms] if self.asked_atoms else sizes

    def _next_elements(self) -> list[int]:
        if self.needs:
            return [next(number for number in self._order(self.needs) if self.needs[number])]
        last = ORDER[self.element] if self.element else 0
        if self.system:
            missing = [number for number in self._order(self.system) if number not in self.elements]
            found = missing[:1]
            return found + [self.element] if self.element and any(True for _ in self._places(self.element)) else found
        return [number for number in range(1, MOST + 1) if ORDER[number] >= last]

    @staticmethod
    def _order(numbers: object) -> list[int]:
        return sorted(numbers, key=lambda number: ORDER[number])  # type: ignore[call-overload]

    def _places(self, element: int) -> list[int]:
        here = group(self.number)
        most = ORBITS - len(self.places)
        found = []
        for place, (many, position) in enumerate(zip(here.multiplicities, here.positions, strict=True)):
            bit = 0 if position.free else 1 << place
            if bit & self.used or many > self.left:
                continue
            used, left = self.used | bit, self.left - many
            if self.needs:
                needs = dict(self.needs)
                needs[element] -= many
                good = needs[element] >= 0 and holds(
                    self.number, used, tuple(sorted(count for count in needs.values() if count))
                )
            else:
                missing = len(self.system - set(self.elements) - {element})
                good = holds_several(self.number, used, left, missing)
            if good and (most > 1 or not left):
                found.append(place)
        return found

    # What came -----------------------------------------------------------------------------------------------------

    def take(self, choice: int, value: float) -> tuple[int, float]:
        """Go on with a token (its place in its kind) or a number; the token and number that the network sees."""
        assert self.step is not None
        kind, number = self.step[:2]
        if kind == GROUP:
            self.number = choice + 1
            self.step = step(COUNT)
            return GROUPS + choice, 0.0
        if kind == COUNT:
            self.atoms = self.left = choice + 1
            each = sum(self.formula.values()) or 1
            self.needs = {element: many * (self.atoms // each) for element, many in self.formula.items()}
            self.step = step(ELEMENT, left=self.left)
            return ATOMS + choice, 0.0
        if kind == ELEMENT:
            self.element = choice + 1
            self.step = step(LETTER, element=self.element, left=self.left)
            return ELEMENTS + choice, 0.0
        if kind == LETTER:
            here = group(self.number)
            many = here.multiplicities[choice]
            self.left -= many
            if self.needs:
                self.needs[self.element] -= many
            if not here.positions[choice].free:
                self.used |= 1 << choice
            self.elements.append(self.element)
            self.places.append(choice)
            self.step = step(ELEMENT, left=self.left) if self.left else self._first_number()
            return LETTERS + choice, 0.0
        if kind == CELL:
            self.cell[number] = value
        else:
            orbit, axis = self._coordinates[number_index(self)]
            self.free[orbit, axis] = value
        self.step = self.numbers.pop(0) if self.numbers else None
        return VALUE, value

    def _first_number(self) -> tuple[int, ...] | None:
        self.numbers = [step(CELL, k) for k in cell_steps(self.number)]
        self._coordinates = coordinate_steps(self.number, self.places)
        self.numbers += [
            step(COORDINATE, 6 + axis, self.elements[orbit], self.places[orbit]) for orbit, axis in self._coordinates
        ]
        return self.numbers.pop(0)

    @property
    def dead(self) -> bool:
        """Whether nothing can come next: too many orbits were begun."""
        return self.step is not None and self.step[0] <= LETTER and not len(self.allowed())

    def standard(self, centre: np.ndarray, scale: np.ndarray) -> Standard:
        """The crystal."""
        here = group(self.number)
        cell = self.cell * scale + centre
        cell[3:] = np.clip(cell[3:], -0.85, 0.85)
        cell[1:3] = np.clip(cell[1:3], -3.0, 3.0)
        if here.system == "triclinic":
            cell[3:] = _possible(cell[3:])
        parameters = from_free(cell, here.system, self.atoms * here.cells)
        return Standard(
            self.number, parameters, tuple(self.elements), tuple(self.places), self.free[: len(self.places)] % 1.0
        )


def number_index(draft: Draft) -> int:
    """Which of a draft's coordinates is being written."""
    return len(draft._coordinates) - 1 - len(draft.numbers)


def _possible(cosines: np.ndarray) -> np.ndarray:
    """Cosines of three angles that a cell can have, shrunk where they cannot be together."""
    for _ in range(60):
        a, b, c = cosines
        if 1 - a * a - b * b - c * c + 2 * a * b * c > 0.05:
            break
        cosines = cosines * 0.95
    return cosines


@torch.no_grad()
def write(
    network: CrystalNetwork, estimator: Estimator, conditions: Tensors, noise: Noise, options: CrystalSampler
) -> Tensors:
    """Encoded crystals (n, …) for encoded conditions; the least in estimated energy of `best_of` of each."""
    rows, place = _distinct(conditions, noise)
    kept: list[tuple[Standard, float, float]] = []
    for k in range(options.best_of):
        found = drafted(network, conditions, noise, options, k, rows)
        crystals = [found[row] for row in rows]
        if options.descent:
            crystals = _parted(network, conditions, noise, options, k, rows, crystals)
        energies = estimated(estimator, crystals)
        made = [(crystal, *pair) for crystal, pair in zip(crystals, energies, strict=True)]
        kept = [min(pair, key=lambda item: item[2]) for pair in zip(kept, made, strict=True)] if kept else made
    return together([(tidied(crystal), energy, above) for crystal, energy, above in (kept[k] for k in place)])


def _parted(
    network: CrystalNetwork,
    conditions: Tensors,
    noise: Noise,
    options: CrystalSampler,
    turn: int,
    rows: list[int],
    drawn: list[Standard],
) -> list[Standard]:
    """Crystals with atoms moved apart; those that are not sound then are drawn again, `redraws` times at most."""
    crystals = [separated(crystal) for crystal in drawn]
    faults = [fault(after, before) for after, before in zip(crystals, drawn, strict=True)]
    for again in range(options.redraws):
        wanted = [k for k, wrong in enumerate(faults) if wrong > 0]
        if not wanted:
            break
        found = drafted(network, conditions, noise, options, (turn, again), [rows[k] for k in wanted])
        for k in wanted:
            before = found[rows[k]]
            after = separated(before)
            wrong = fault(after, before)
            if wrong < faults[k]:
                crystals[k], faults[k] = after, wrong
    return crystals


def _distinct(conditions: Tensors, noise: Noise) -> tuple[list[int], list[int]]:
    """Rows that differ from all before them, and for each row its place among those: idle slots repeat a row."""
    known: dict[bytes, int] = {}
    rows, place = [], []
    for row, identity in enumerate(noise.samples.tolist()):
        parts = [part[row].numpy().tobytes() for part in conditions.values()]
        key = b"|".join([str(identity).encode(), *parts])
        if key not in known:
            known[key] = len(rows)
            rows.append(row)
        place.append(known[key])
    return rows, place


def estimated(estimator: Estimator, crystals: list[Standard]) -> list[tuple[float, float]]:
    """Estimated formation energy and energy above the hull of each [eV an atom]; row by row, so that no bit depends on
    the others."""
    found = []
    for crystal in crystals:
        parts = (torch.from_numpy(part[None]) for part in orbit_features(crystal, ORBITS))
        formation, above = estimator.energies(*parts)
        found.append((float(formation), float(above)))
    return found


def drafted(
    network: CrystalNetwork,
    conditions: Tensors,
    noise: Noise,
    options: CrystalSampler,
    turn: int | tuple[int, int],
    wanted: list[int] | None = None,
) -> dict[int, Standard]:
    """One crystal a row, or for the rows that are wanted, before any descent; bits depend on no other row."""
    n = len(conditions["group"])
    wanted = list(range(n)) if wanted is None else wanted
    told = network.ask(asked_vector(conditions))
    uniform = noise.uniform((LONGEST, 2), "steps", turn).numpy()
    normal = noise.normal((LONGEST,), "numbers", turn).numpy()
    arrays = [conditions[name].numpy() for name in ("formula", "system", "group", "atoms")]
    drafts = [Draft(*(array[row] for array in arrays)) for row in range(n)]
    for row in set(range(n)) - set(wanted):
        drafts[row].step = None
    rows, state = np.arange(n), None
    tokens, before = torch.full((n, 1), START), torch.zeros(n, 1)
    for place in range(LONGEST):
        steps = torch.tensor([[drafts[row].step or step(-1)] for row in rows])
        groups = torch.tensor([drafts[row].number for row in rows])
        raw, state = network.writer.step(tokens, network.told(told, steps, groups, before), state)
        raw = raw[:, 0]
        letters = network.letters(raw, groups.clamp(min=1)).double().numpy()
        raw = raw.double()
        parts = [torch.stack(part(raw[:, first : first + raw_size])) for part, first, raw_size in _mixtures(raw)]
        found = _advanced(
            drafts, rows, raw.numpy(), letters, [part.numpy() for part in parts], uniform, normal, place, options
        )
        tokens, before = torch.tensor(found[0])[:, None], torch.tensor(found[1], dtype=torch.float32)[:, None]
        running = np.array([drafts[row].step is not None for row in rows])
        if not running.any():
            break
        fewer = max(-(-int(running.sum()) // EVEN) * EVEN, FEWEST)
        if 4 * fewer <= 3 * len(rows):
            kept = np.argsort(~running, kind="stable")[:fewer]
            index = torch.from_numpy(kept)
            state = network.writer.select(state, index)
            rows, tokens, before, told = rows[kept], tokens[index], before[index], told[index]
    centre, scale = network.centre.double().numpy(), network.scale.double().numpy()
    return {row: drafts[row].standard(centre, scale) for row in wanted}


def _mixtures(raw: Tensor) -> tuple:
    half = (raw.shape[1] - TOKENS) // 2
    return (mixture, TOKENS, half), (wrapped_parts, TOKENS + half, half)


_FIRST = {GROUP: GROUPS, COUNT: ATOMS, ELEMENT: ELEMENTS}


def _advanced(drafts, rows, raw, letters, parts, uniform, normal, place, options) -> tuple[list[int], list[float]]:  # noqa: ANN001
    """Every running draft gone one step on; the tokens and numbers that the network reads next."""
    tokens, numbers = [], []
    for k, row in enumerate(rows):
        draft = drafts[row]
        if draft.step is None:
            tokens.append(VALUE)
            numbers.append(0.0)
            continue
        kind = draft.step[0]
        u, v = uniform[row, place]
        if kind <= LETTER:
            allowed = draft.allowed()
            if not len(allowed):
                raise ArithmeticError("crystals: nothing can complete a draft")
            logits = letters[k, allowed] if kind == LETTER else raw[k, _FIRST[kind] + allowed]
            choice = int(allowed[_inverted(logits / options.temperature, u)])
            token, number = draft.take(choice, 0.0)
        else:
            weight, mean, width = (part[k] for part in parts[kind - CELL])
            component = _inverted(weight, u)
            value = mean[component] * (2.0 if kind == CELL else 1.0)
            value += options.spread * math.exp(width[component]) * normal[row, place]
            token, number = draft.take(0, float(value if kind == CELL else value % 1.0))
        tokens.append(token)
        numbers.append(number)
    return tokens, numbers


def _inverted(logits: np.ndarray, uniform: float) -> int:
    weight = np.cumsum(np.exp(logits - logits.max()))
    return min(int(np.searchsorted(weight, uniform * weight[-1], side="right")), len(logits) - 1)
