"""Eight pictures that show a way to draw, made by rule from a seed: nobody's work, and free of anybody's rights.

Each is (SIDE, SIDE, 3) in [0, 1], wraps round at its edges, and holds dark and bright parts drawn in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

SIDE = 256
"""Pixels on a side."""

Generator = np.random.Generator


def _smooth(generator: Generator, width: float, count: int = 1) -> np.ndarray:
    """`count` noise fields (count, SIDE, SIDE) of mean 0 and spread 1 under a Gaussian of `width` pixels, periodic."""
    noise = generator.standard_normal((count, SIDE, SIDE))
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    window = np.exp(-2 * (np.pi * width * frequency) ** 2)
    window[0, 0] = 0.0
    found = np.fft.irfft2(np.fft.rfft2(noise) * window, s=(SIDE, SIDE))
    return found / found.std(axis=(1, 2), keepdims=True)


def _tone(generator: Generator, width: float) -> np.ndarray:
    """A field evenly spread over [0, 1]."""
    field = _smooth(generator, width)[0]
    return field.ravel().argsort().argsort().reshape(field.shape) / (field.size - 1)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"))  # type: ignore[return-value]


def _step(values: np.ndarray, width: float) -> np.ndarray:
    """0 below, 1 above 0, with an edge `width` broad."""
    return np.clip(values / width + 0.5, 0.0, 1.0)


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first + (second - first) * share[..., None]


def _ramp(colours: list[tuple[float, float, float]], place: np.ndarray) -> np.ndarray:
    """Colours along a line through `colours`, at places in [0, 1]."""
    knots = np.linspace(0.0, 1.0, len(colours))
    table = np.array(colours)
    return np.stack([np.interp(place, knots, table[:, channel]) for channel in range(3)], axis=-1)


def _cells(generator: Generator, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest centre of each pixel, its distance, and that of the second nearest, on the torus."""
    y, x = _grid()
    nearest, first = np.zeros((SIDE, SIDE), int), np.full((SIDE, SIDE), np.inf)
    second = first.copy()
    for number, (row, column) in enumerate(centres):
        down, across = np.abs(y - row), np.abs(x - column)
        apart = np.hypot(np.minimum(down, SIDE - down), np.minimum(across, SIDE - across))
        second = np.minimum(second, np.maximum(apart, first))
        nearest = np.where(apart < first, number, nearest)
        first = np.minimum(first, apart)
    return nearest, first, second


def hatching(generator: Generator) -> np.ndarray:
    """Pen strokes in four directions, the more the darker, sepia on paper."""
    y, x = _grid()
    tone = _tone(generator, 22.0)
    ink = np.zeros((SIDE, SIDE))
    for (down, across), below in (((1, 1), 0.82), ((1, -1), 0.58), ((1, 0), 0.36), ((0, 1), 0.16)):
        period = 256 / (30 if down and across else 44)
        bend = 1.1 * _smooth(generator, 14.0)[0]
        phase = np.mod((down * y + across * x + bend) / period, 1.0) * period - period / 2
        pressed = 0.62 + 0.25 * _smooth(generator, 5.0)[0]
        ink = np.maximum(ink, _step(pressed * 1.5 - np.abs(phase), 0.9) * _step(below - tone, 0.06))
    paper = np.array([0.95, 0.91, 0.82]) + 0.012 * _smooth(generator, 0.8)[0][..., None]
    return _mix(paper, np.array([0.20, 0.13, 0.09]), 0.92 * ink)


def pointillism(generator: Generator) -> np.ndarray:
    """Round dots of pure colours beside their complements, on cream."""
    made = np.broadcast_to(np.array([0.93, 0.89, 0.78]), (SIDE, SIDE, 3)).copy()
    tone = _tone(generator, 24.0)
    ramp = [(0.10, 0.16, 0.45), (0.16, 0.42, 0.66), (0.25, 0.60, 0.38), (0.93, 0.76, 0.25), (0.92, 0.48, 0.20)]
    accents = np.array([(0.86, 0.24, 0.22), (0.98, 0.90, 0.55), (0.45, 0.25, 0.60), (0.97, 0.97, 0.93)])
    reach = np.arange(-4, 5)
    for row, column in generator.random((5200, 2)) * SIDE:
        rows, columns = (np.mod(int(place) + reach, SIDE) for place in (row, column))
        colour = _ramp(ramp, np.clip(tone[int(row), int(column)] + 0.09 * generator.standard_normal(), 0, 1))
        if generator.random() < 0.16:
            colour = accents[generator.integers(len(accents))]
        radius = generator.uniform(1.8, 3.0)
        apart = np.hypot(reach[:, None] + int(row) - row, reach[None] + int(column) - column)
        cover = _step(radius - apart, 1.0)
        made[np.ix_(rows, columns)] = _mix(made[np.ix_(rows, columns)], colour, cover)
    return made


def woodcut(generator: Generator) -> np.ndarray:
    """Lines cut along the form, black on straw, as broad as it is dark."""
    y, _ = _grid()
    form, tone = _smooth(generator, 26.0)[0], _tone(generator, 20.0)
    phase = 2 * np.pi * 26 * y / SIDE + 5.0 * form + 0.5 * _smooth(generator, 5.0)[0]
    carved = np.cos(phase) - (2.1 * tone - 1.05)
    gouged = _step(carved + 0.25 * _smooth(generator, 1.2)[0], 0.5)
    paper = np.array([0.88, 0.77, 0.55]) + 0.03 * _smooth(generator, 1.0)[0][..., None]
    return _mix(paper, np.array([0.07, 0.06, 0.07]), gouged)


def stained_glass(generator: Generator) -> np.ndarray:
    """Panes of bright glass in dark leads."""
    centres = generator.random((150, 2)) * SIDE
    nearest, first, second = _cells(generator, centres)
    palette = np.array(
        [(0.75, 0.07, 0.12), (0.06, 0.22, 0.70), (0.97, 0.72, 0.10), (0.05, 0.50, 0.30), (0.45, 0.10, 0.55)]
        + [(0.10, 0.60, 0.80), (0.95, 0.92, 0.75), (0.88, 0.38, 0.08)]
    )
    colour = palette[generator.integers(len(palette), size=len(centres))]
    colour = np.clip(colour * generator.uniform(0.75, 1.15, (len(centres), 1)), 0, 1)
    glow = 1.0 + 0.10 * _smooth(generator, 6.0)[0] - 0.012 * first
    pane = np.clip(colour[nearest] * glow[..., None], 0, 1)
    return _mix(pane, np.array([0.05, 0.05, 0.06]), _step(3.4 - (second - first), 1.2))


def brushwork(generator: Generator) -> np.ndarray:
    """Thick strokes that follow a swirl, of night blues and yellows."""
    stream = _smooth(generator, 20.0)[0]
    down = np.roll(stream, -1, 1) - np.roll(stream, 1, 1)
    across = np.roll(stream, 1, 0) - np.roll(stream, -1, 0)
    size = np.hypot(down, across) + 1e-9
    down, across = down / size, across / size
    tone = np.clip(_tone(generator, 26.0) + 0.20 * _smooth(generator, 1.1)[0], 0, 1)
    ramp = [(0.05, 0.08, 0.26), (0.10, 0.22, 0.52), (0.22, 0.45, 0.70), (0.55, 0.72, 0.72), (0.95, 0.83, 0.35)]
    grain = _ramp(ramp, tone) + 0.06 * _smooth(generator, 0.9)[0][..., None]
    total = np.zeros_like(grain)
    y, x = _grid()
    for way in (1, -1):
        row, column = y.astype(float), x.astype(float)
        for _ in range(8):
            at = np.mod(np.rint(row).astype(int), SIDE), np.mod(np.rint(column).astype(int), SIDE)
            total += grain[at]
            row, column = row + way * down[at], column + way * across[at]
    blended = total / 16
    return np.clip(blended.mean((0, 1)) + 1.55 * (blended - blended.mean((0, 1))), 0, 1)


def watercolour(generator: Generator) -> np.ndarray:
    """Washes with darker rims on rough paper."""
    made = np.broadcast_to(np.array([0.97, 0.96, 0.93]), (SIDE, SIDE, 3)).copy()
    pigments = [(0.30, 0.55, 0.78), (0.88, 0.45, 0.42), (0.95, 0.78, 0.40), (0.42, 0.66, 0.50), (0.55, 0.42, 0.66)]
    rough = _smooth(generator, 1.3)[0]
    for pigment in pigments * 2:
        form = _smooth(generator, 15.0)[0] + 0.14 * _smooth(generator, 3.0)[0] - generator.uniform(0.35, 0.9)
        wet = _step(form, 0.10)
        rim = np.exp(-((form - 0.03) ** 2) / 0.004)
        load = wet * (0.36 + 0.14 * _smooth(generator, 9.0)[0] + 0.05 * rough) + 0.30 * rim * wet
        made = made * (1 - np.clip(load, 0, 0.9)[..., None] * (1 - np.array(pigment)))
    return np.clip(made + 0.014 * rough[..., None], 0, 1)


def mosaic(generator: Generator) -> np.ndarray:
    """Rows of small square stones in pale grout."""
    y, x = _grid()
    count = 28
    bend = 4.5 * _smooth(generator, 30.0, 2)
    rows, columns = ((axis + shift) * count / SIDE for axis, shift in zip((y, x), bend, strict=True))
    columns = columns + 0.5 * (np.floor(rows) % 2)
    stone = np.mod(np.floor(rows), count).astype(int), np.mod(np.floor(columns), count).astype(int)
    inner = [np.abs(np.mod(axis, 1.0) - 0.5) for axis in (rows, columns)]
    tone = _tone(generator, 24.0)[:: SIDE // count, :: SIDE // count][:count, :count]
    ramp = [(0.09, 0.18, 0.28), (0.08, 0.40, 0.45), (0.55, 0.66, 0.52), (0.86, 0.70, 0.45), (0.72, 0.26, 0.16)]
    colour = np.clip(_ramp(ramp, np.clip(tone + 0.13 * generator.standard_normal(tone.shape), 0, 1)), 0, 1)
    shaded = colour[stone] * (1.0 + 0.35 * (np.mod(rows, 1.0) - 0.5) * -1)[..., None]
    edge = _step(np.maximum(*inner) - (0.40 + 0.02 * _smooth(generator, 2.0)[0]), 0.09)
    return _mix(np.clip(shaded, 0, 1), np.array([0.87, 0.84, 0.78]), edge)


def chalk(generator: Generator) -> np.ndarray:
    """Strokes of chalk on a blackboard, broken by its grain."""
    y, x = _grid()
    board = np.array([0.10, 0.15, 0.14]) + 0.018 * _smooth(generator, 4.0)[0][..., None]
    grain, made = _smooth(generator, 0.7)[0], board
    chalks = [(0.96, 0.95, 0.90), (0.95, 0.80, 0.45), (0.55, 0.80, 0.92), (0.95, 0.60, 0.62), (0.96, 0.95, 0.90)]
    for number, colour in enumerate(chalks):
        form = _smooth(generator, 15.0)[0]
        slope = np.hypot(*np.gradient(form)) + 1e-3
        line = _step(1.9 - np.abs(form - 0.2 * number + 0.4) / slope, 1.0)
        strokes = np.cos(2 * np.pi * (40 * (y + (1 - 2 * (number % 2)) * x) / SIDE) + _smooth(generator, 8.0)[0])
        filled = _step(form - 0.95, 0.2) * _step(strokes + 0.1, 0.7)
        cover = np.maximum(line, 0.8 * filled) * _step(grain + 0.75, 1.1)
        made = _mix(made, np.array(colour), 0.95 * cover)
    return np.clip(made, 0, 1)


DRAWN: dict[str, Callable[[Generator], np.ndarray]] = {
    "hatching": hatching,
    "pointillism": pointillism,
    "woodcut": woodcut,
    "stained-glass": stained_glass,
    "brushwork": brushwork,
    "watercolour": watercolour,
    "mosaic": mosaic,
    "chalk": chalk,
}
"""Name -> maker of a picture."""

NAMES = tuple(DRAWN)


@cache
def drawn(name: str) -> np.ndarray:
    """The picture of a style, (SIDE, SIDE, 3) float32 in [0, 1]; not to be written to."""
    made = np.clip(DRAWN[name](np.random.default_rng([7, NAMES.index(name)])), 0, 1).astype(np.float32)
    made.setflags(write=False)
    return made
