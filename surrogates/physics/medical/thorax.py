"""Procedural chest CT: axial slices of body, lungs, heart, spine and ribs, with COVID-19-like lesions and masks.

An anatomy is a number: it fixes the outlines (body, lungs, lesions), which are what a mask shows. All else is drawn
anew with every scan: vessels and bronchi, heart and great vessels, ribs, fat, the lesions' own texture, and photons.
Hounsfield units after Hansell et al. 2008, Radiology 246, 697 (Fleischner Society's glossary) for what the words
ground-glass, consolidation and crazy-paving mean, and usual values of textbooks. One procedural template: real chests
are far more varied.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from . import ct

SIZE = 128
PIXEL = 2.9
"""Side of a pixel, mm."""

MOST = 1_000_000
"""Anatomies are numbers from 0 to this, less one."""

PARTS = {"training": tuple(range(8)), "validation": (8,), "test": (9,)}
"""Last digits of the anatomies of each part."""

AIR, BODY, LUNG = 0, 1, 2
"""Labels of the body mask."""

LESIONS = ("ground_glass", "consolidation", "crazy_paving")
SCANNER = ct.Scanner(pixel=PIXEL, views=180, photons=1.2e5)

_Y, _X = (np.mgrid[0:SIZE, 0:SIZE] - (SIZE - 1) / 2.0) * PIXEL  # mm, rows from front to back


@dataclass(frozen=True)
class Outlines:
    """What masks show of an anatomy.

    Attributes
    ----------
    body : ndarray
        (128, 128) int8: 0 air, 1 body, 2 lung.
    lesion : ndarray
        (128, 128) int8, 1 inside lesions; all within the lungs.
    kind : int
        Position in `LESIONS` of what the lesions are.
    centre : tuple of float
        Middle of the chest, mm from the middle of the slice: (y, x).
    axes : tuple of float
        Half the chest's depth and width, mm.
    level : float
        0 at the apex, 1 at the base.
    """

    body: np.ndarray
    lesion: np.ndarray
    kind: int
    centre: tuple[float, float]
    axes: tuple[float, float]
    level: float


def generator(*names: object) -> np.random.Generator:
    """Random numbers of a name."""
    digest = hashlib.blake2b(repr(("thorax", *names)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest, "little")))


def part_of(anatomy: int) -> str:
    """The part that an anatomy belongs to."""
    return next(name for name, digits in PARTS.items() if anatomy % 10 in digits)


def anatomies(part: str, count: int, start: int = 0) -> np.ndarray:
    """Anatomies `start` to `start + count` of a part, (count,) int64, each once."""
    digits = np.array(PARTS[part])
    place = np.arange(start, start + count)
    if count and place[-1] >= len(digits) * MOST // 10:
        raise ValueError(f"count: {count} from {start}; expected at most {len(digits) * MOST // 10} in all")
    return place // len(digits) * 10 + digits[place % len(digits)]


def smooth_field(random: np.random.Generator, length: float) -> np.ndarray:
    """(128, 128) Gaussian noise of unit deviation, smooth over `length` pixels."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(random.standard_normal((SIZE, SIZE)), length, mode="wrap")
    return field / max(float(field.std()), 1e-12)


def _ellipse(
    y: float, x: float, depth: float, width: float, power: float = 2.0, wobble: np.ndarray | None = None
) -> np.ndarray:
    """Below 1 inside a superellipse about (y, x) [mm]; `wobble` gives cosines of the outline's angle."""
    radius = (np.abs((_Y - y) / depth) ** power + np.abs((_X - x) / width) ** power) ** (1.0 / power)
    if wobble is not None:
        angle = np.arctan2((_Y - y) / depth, (_X - x) / width)
        radius = radius / (1.0 + sum(a * np.cos((k + 2) * angle + p) for k, (a, p) in enumerate(wobble)))
    return radius


def outlines(anatomy: int) -> Outlines:
    """Body, lungs and lesions of an anatomy.

    Raises
    ------
    ValueError
        A number outside 0 to `MOST` - 1.
    """
    if not 0 <= anatomy < MOST:
        raise ValueError(f"anatomy: {anatomy}; expected 0 to {MOST - 1}")
    random = generator("outlines", int(anatomy))
    level = float(random.uniform(0.15, 0.95))
    width = random.uniform(140.0, 172.0)
    depth = width * random.uniform(0.62, 0.76)
    y, x = random.uniform(-6.0, 6.0, 2)
    wobble = np.stack([random.normal(0, (0.02, 0.012, 0.008)), random.uniform(0, 2 * np.pi, 3)], axis=1)
    body = np.where(_ellipse(y, x, depth, width, 2.35, wobble) < 1.0, BODY, AIR).astype(np.int8)
    wall = random.uniform(24.0, 36.0)
    cavity = (depth - wall, width - wall * 1.05)
    inside = _ellipse(y - 2.0, x, *cavity, 2.3, wobble) < 1.0
    fissure = 2.0 * smooth_field(random, 7.0)
    middle = random.uniform(18.0, 26.0) + 10.0 * level + fissure
    mediastinum = np.abs(_X - x) < middle * (1.0 + 0.25 * np.cos((_Y - y) / cavity[0] * np.pi / 2))
    heart = (
        _ellipse(y - 0.12 * depth, x + 0.13 * width, 0.42 * depth * (0.35 + level), 0.36 * width * (0.35 + level)) < 1
    )
    spine = np.hypot(_Y - (y + cavity[0] * 0.92), _X - x) < random.uniform(30.0, 36.0)
    liver = np.zeros_like(inside)
    if level > 0.75:
        liver = _ellipse(y, x - 0.45 * width, 0.5 * depth * (level - 0.4), 0.42 * width * (level - 0.35)) < 1.0
    lungs = inside & ~mediastinum & ~heart & ~spine & ~liver & (body == BODY)
    body[lungs] = LUNG
    lesion, kind = np.zeros((SIZE, SIZE), np.int8), int(random.integers(len(LESIONS)))
    if random.uniform() > 0.1:
        lesion = _lesions(random, lungs, (y, x), cavity)
    return Outlines(body, lesion, kind, (float(y), float(x)), (float(depth), float(width)), level)


def _lesions(random: np.random.Generator, lungs: np.ndarray, centre: tuple[float, float], cavity: tuple[float, float]):
    """Blobs with ragged edges, more often at the back and near the pleura."""
    places = np.argwhere(lungs)
    made = np.zeros(lungs.shape, np.int8)
    if not len(places):
        return made
    far = np.hypot((places[:, 0] - 63.5) * PIXEL - centre[0], ((places[:, 1] - 63.5) * PIXEL - centre[1]) * 0.7)
    weight = np.exp(far / 30.0 + ((places[:, 0] - 63.5) * PIXEL - centre[0]) / 60.0)
    ragged = 0.22 * smooth_field(random, 2.5)
    for _ in range(int(random.integers(1, 5))):
        row, column = places[random.choice(len(places), p=weight / weight.sum())]
        size = np.exp(random.uniform(np.log(9.0), np.log(32.0), 2))
        turn = random.uniform(0, np.pi)
        dy, dx = _Y - _Y[row, column], _X - _X[row, column]
        along, across = dy * np.cos(turn) + dx * np.sin(turn), dx * np.cos(turn) - dy * np.sin(turn)
        made |= ((np.hypot(along / size[0], across / size[1]) + ragged < 1.0) & lungs).astype(np.int8)
    return made


def _soft(distance: np.ndarray, width: float = 1.0) -> np.ndarray:
    """1 where `distance` [mm] is below 0, 0 above, over about `width` mm."""
    return 1.0 / (1.0 + np.exp(np.clip(distance / width, -40.0, 40.0)))


def _branches(random: np.random.Generator, hilum: np.ndarray, side: float, reach: float) -> list[tuple]:
    """Segments (start, end, radius) [mm] of a tree from a hilum outwards."""
    found, queue = [], []
    for _ in range(int(random.integers(4, 7))):
        turn = random.uniform(-1.3, 1.3)
        queue.append((hilum, np.array([np.sin(turn), side * np.cos(turn)]), random.uniform(2.2, 3.6), reach))
    while queue and len(found) < 90:
        start, way, radius, left = queue.pop(0)
        length = random.uniform(0.5, 1.1) * (8.0 + 5.0 * radius)
        end = start + way * length
        found.append((start, end, radius))
        if radius < 0.5 or left < length:
            continue
        for sign in (-1.0, 1.0):
            turn = sign * random.uniform(0.1, 0.75)
            turned = np.array(
                [way[0] * np.cos(turn) - way[1] * np.sin(turn), way[0] * np.sin(turn) + way[1] * np.cos(turn)]
            )
            queue.append((end, turned, radius * random.uniform(0.6, 0.86), left - length))
    return found


def _draw(canvas: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float, value: float) -> None:
    """Raise a canvas along a segment, at most to `value`."""
    reach = radius + 2 * PIXEL
    low = np.floor((np.minimum(start, end) - reach) / PIXEL + (SIZE - 1) / 2).astype(int).clip(0, SIZE)
    high = np.ceil((np.maximum(start, end) + reach) / PIXEL + (SIZE - 1) / 2).astype(int).clip(0, SIZE) + 1
    box = np.s_[low[0] : high[0], low[1] : high[1]]
    y, x = _Y[box] - start[0], _X[box] - start[1]
    if not y.size:
        return
    way = end - start
    share = np.clip((y * way[0] + x * way[1]) / max(float(way @ way), 1e-9), 0.0, 1.0)
    distance = np.hypot(y - share * way[0], x - share * way[1])
    covered = np.clip((radius - distance) / PIXEL + 0.5, 0.0, 1.0) * min(2 * radius / PIXEL, 1.0)
    canvas[box] = np.maximum(canvas[box], covered * value)


def tissue(shape: Outlines, random: np.random.Generator) -> np.ndarray:
    """Hounsfield units (128, 128) of one draw within outlines."""
    from scipy.ndimage import binary_erosion, distance_transform_edt

    (y, x), (depth, width), level = shape.centre, shape.axes, shape.level
    lungs, body = shape.body == LUNG, shape.body > AIR
    skin = np.asarray(distance_transform_edt(body)) * PIXEL
    pleura = np.asarray(distance_transform_edt(~lungs)) * PIXEL  # mm outside the lungs
    soft = random.uniform(38.0, 58.0) + 6.0 * smooth_field(random, 2.0)
    image = np.where(body, soft, ct.AIR)
    fat = random.uniform(6.0, 20.0)
    edge = skin - fat * (1.0 + 0.25 * np.sin(2 * np.arctan2(_Y - y, _X - x) + random.uniform(0, 6.3)))
    image = np.where(body & ~lungs, image + (ct.FAT - image) * _soft(edge, 1.5), image)
    inner = _soft(np.abs(_X - x) - 0.25 * width, 3.0) * _soft(np.abs(_Y - y) - 0.55 * depth, 3.0)
    veil = np.clip(0.5 + 0.7 * smooth_field(random, 4.0), 0, 1) * inner * random.uniform(0.2, 0.8)
    image = np.where(body & ~lungs, image + (ct.FAT - image) * veil, image)
    blood = random.uniform(35.0, 60.0) if random.uniform() < 0.6 else random.uniform(140.0, 320.0)  # contrast medium
    aorta = random.uniform(10.0, 14.0)
    parts = [
        (
            _ellipse(y - 0.12 * depth, x + 0.12 * width, 0.34 * depth * (0.35 + level), 0.3 * width * (0.35 + level)),
            blood,
        ),
        (_ellipse(y + 0.28 * depth, x + 0.1 * width, aorta, aorta), blood),
    ]
    if level < 0.6:
        arch = random.uniform(12.0, 17.0)
        parts.append((_ellipse(y - 0.3 * depth, x - 0.08 * width, arch, arch), blood))
    for radius, value in parts:
        inside = _soft((radius - 1.0) * 14.0, 1.0) * (~lungs & body)
        image += inside * (value + 8.0 * smooth_field(random, 3.0) - image)
    image = _airways(image, random, (y, x), depth, level, body & ~lungs)
    image = _bones(image, random, shape, pleura, skin)
    air = random.uniform(-880.0, -790.0)
    back = 40.0 * (_Y - y) / depth  # blood gathers at the back
    lung = air + back + 18.0 * smooth_field(random, 1.2) + 20.0 * smooth_field(random, 6.0)
    canvas = np.zeros((SIZE, SIZE))
    for side in (-1.0, 1.0):
        hilum = np.array([y + 0.02 * depth, x + side * (0.2 + 0.1 * level) * width])
        for start, end, size in _branches(random, hilum, side, 0.75 * width):
            _draw(canvas, start, end, size, 1.0)
    for row, column in random.permutation(np.argwhere(lungs))[: int(random.integers(40, 90))]:  # vessels seen end on
        place = np.array([_Y[row, column], _X[row, column]])
        _draw(canvas, place, place + 1e-3, float(np.exp(random.normal(0.1, 0.4))), 1.0)
    wall = lungs & ~np.asarray(binary_erosion(lungs), dtype=bool)
    lung += (random.uniform(20.0, 50.0) - lung) * canvas + 60.0 * wall
    lung = _infiltrate(lung, shape, random, canvas)
    return np.where(lungs, np.maximum(lung, ct.AIR), image)


def _airways(image: np.ndarray, random: np.random.Generator, centre, depth: float, level: float, there: np.ndarray):
    """Trachea above the carina, two main bronchi below it."""
    y, x = centre
    radius = random.uniform(7.5, 10.0) if level < 0.35 else random.uniform(5.0, 7.5)
    places = [0.0] if level < 0.35 else ([-1.0, 1.0] if level < 0.7 else [])
    for side in places:
        distance = np.hypot(_Y - (y + 0.03 * depth), _X - x - side * (12.0 + 30.0 * (level - 0.35))) - radius
        image = np.where(there, image + (-990.0 - image) * _soft(distance, 0.9), image)
    return image


def _bones(image: np.ndarray, random: np.random.Generator, shape: Outlines, pleura: np.ndarray, skin: np.ndarray):
    """Ribs as stretches of the wall, a vertebra with its canal, and the sternum."""
    (y, x), (depth, width), _ = shape.centre, shape.axes, shape.level
    outside = (shape.body == BODY) & (skin > 7.0)
    angle = np.arctan2((_Y - y) / depth, (_X - x) / width)
    count, phase = int(random.integers(7, 11)), random.uniform(0, 2 * np.pi)
    stretch = np.cos(count * angle + phase + 0.8 * np.sin(2 * angle)) - random.uniform(0.1, 0.5)
    thick = random.uniform(3.0, 4.2)
    rib = _soft(np.abs(pleura - 8.0) - thick, 0.8) * _soft(-6.0 * stretch, 0.8) * (np.hypot((_X - x) / width, 0) > 0.16)
    marrow = _soft(np.abs(pleura - 8.0) - 0.45 * thick, 0.8)
    dense = random.uniform(650.0, 1100.0)
    image = np.where(outside, image + (dense - (dense - 260.0) * marrow - image) * rib, image)
    back = y + 0.66 * depth
    vertebra = _ellipse(back, x, random.uniform(13.0, 16.0), random.uniform(17.0, 21.0), 2.4)
    cortex = _soft((vertebra - 1.0) * 16.0, 1.0)
    core = _soft((vertebra - 0.78) * 16.0, 1.0)
    spongy = random.uniform(150.0, 280.0) + 40.0 * smooth_field(random, 1.0)
    process = _soft(np.maximum(np.abs(_X - x) - 4.0, np.abs(_Y - back - 38.0) - 12.0), 1.0)
    arch = _soft(np.abs(np.hypot(_Y - back - 22.0, _X - x) - 11.0) - 3.0, 1.0)
    sternum = _ellipse(y - 0.86 * depth + 4.0, x, random.uniform(5.0, 7.0), random.uniform(14.0, 22.0))
    for share, value in (
        (cortex, 700.0 - (700.0 - spongy) * core),
        (process, 500.0),
        (arch, 650.0),
        (_soft((sternum - 1.0) * 6.0, 1.0), 420.0),
    ):
        image = np.where(outside, image + (value - image) * share, image)
    return image


def _infiltrate(lung: np.ndarray, shape: Outlines, random: np.random.Generator, vessels: np.ndarray) -> np.ndarray:
    """Lesions in lungs: a veil, tissue with air bronchograms, or a veil with a net of septa."""
    from scipy.ndimage import gaussian_filter

    if not shape.lesion.any():
        return lung
    share = np.clip(gaussian_filter(shape.lesion.astype(np.float64), 0.6), 0.0, 1.0)
    kind = LESIONS[shape.kind]
    if kind == "consolidation":
        value = random.uniform(0.0, 45.0) + 18.0 * smooth_field(random, 1.5)
        bronchi = np.zeros((SIZE, SIZE))
        places = np.argwhere(shape.lesion)
        for row, column in places[random.integers(0, len(places), max(len(places) // 60, 1))]:
            start = np.array([_Y[row, column], _X[row, column]])
            _draw(bronchi, start, start + random.normal(0, 9.0, 2), random.uniform(0.9, 1.6), 1.0)
        value = value - 750.0 * bronchi * (random.uniform() < 0.7)
    else:
        value = random.uniform(-640.0, -430.0) + 45.0 * smooth_field(random, 1.6) + 25.0 * smooth_field(random, 4.0)
        if kind == "crazy_paving":
            net = np.minimum(np.abs(smooth_field(random, 1.7)), np.abs(smooth_field(random, 1.7)))
            value = value + random.uniform(180.0, 320.0) * np.exp(-((net / 0.22) ** 2))
        value = value + (35.0 - value) * vessels  # vessels show through a veil
    return lung + (value - lung) * share


def scan(anatomy: int, seed: int, *, clean: bool = False) -> np.ndarray:
    """What the scanner shows of an anatomy: (128, 128) float32 Hounsfield units, all that outlines leave open drawn.

    Parameters
    ----------
    anatomy, seed : int
    clean : bool
        Without photon noise; the same draw otherwise.
    """
    image = tissue(outlines(anatomy), generator("tissue", int(seed), int(anatomy)))
    if clean:
        return SCANNER.without_noise(image).astype(np.float32)
    return SCANNER.scan(image, generator("photons", int(seed), int(anatomy))).astype(np.float32)
