"""Slices of simulated heads: a template of grey and white matter, warped, in a skull and scalp of varied make.

The brain is MNI152 (ICBM 2009a nonlinear; Fonov et al. 2011, NeuroImage 54, 313), the only anatomy there is; skull,
scalp and lesions are grown around it and within. Slices for training, validation and tests come from disjoint slabs of
the template, by the last digit of the anatomy's number. One anatomical template: no clinical claim.
"""

from __future__ import annotations

import hashlib
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from . import ct, mri

SIZE, PIXEL = 128, 2.0
"""Pixels on a side of a slice, and their millimetres."""

TISSUES = ("background", "cerebrospinal_fluid", "grey_matter", "white_matter", "lesion")
"""Labels of the brain, by code."""

LESIONS = ("none", "oedema", "tumour", "infarct")

_SHAPE = (233, 197, 120)  # y, x, slice of the packed template, 1 mm
_MIDDLE = (116.0 - 17.5, 98.0)  # of the brain, y and x
SLAB = 6
"""Millimetres of the template in a slab."""

LOWEST_SLAB, HIGHEST_SLAB = 5, 17
"""Of those that heads are made from, 12 mm below the template's origin to 66 mm above it; both are training's, so that
tests lie between what was trained on."""

MOST = 1_000_000
"""Anatomies are numbers from 0 to this, less one."""

PARTS = {"training": (tuple(range(8)), (0, 1, 2)), "validation": ((8,), (3,)), "test": ((9,), (4,))}
"""Last digits of the anatomies of a part, and its slabs: those whose number leaves these remainders by 5."""

SCANNER = ct.Scanner(pixel=PIXEL, views=180, photons=6e4)


@dataclass(frozen=True)
class Head:
    """One slice, without noise of any scanner.

    Attributes
    ----------
    labels : ndarray
        (y, x) int8, codes of `TISSUES`.
    hounsfield : ndarray
        (y, x) float32.
    density, t1, t2 : ndarray
        (y, x) float32, of the MR signal; times in ms.
    lesion : str
        One of `LESIONS`.
    """

    labels: np.ndarray
    hounsfield: np.ndarray
    density: np.ndarray
    t1: np.ndarray
    t2: np.ndarray
    lesion: str


@cache
def template() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey matter, white matter (shares) and brain (0 or 1) of the template, (slice, y, x) float32 at 1 mm.

    Rows from front to back, columns from right to left, slices from 42 mm below the origin up.
    """
    raw = lzma.decompress((Path(__file__).parent / "mni152.xz").read_bytes())
    size = int(np.prod(_SHAPE))
    packed = np.frombuffer(raw[:size], np.uint8).reshape(_SHAPE)
    brain = np.unpackbits(np.frombuffer(raw[size:], np.uint8))[:size].reshape(_SHAPE)
    parts = ((packed >> 4) / 15.0, (packed & 15) / 15.0, brain)
    return tuple(np.ascontiguousarray(part.transpose(2, 0, 1)[..., ::-1], np.float32) for part in parts)  # type: ignore[return-value]


@cache
def _softened(level: int) -> list[np.ndarray]:
    """A slice of the template, smoothed to the pixels of a simulated one."""
    from scipy import ndimage

    return [ndimage.gaussian_filter(part[level], 0.6) for part in template()]


def generator(*key: object) -> np.random.Generator:
    """A random generator keyed by its arguments."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest, np.uint64)))


def part_of(anatomy: int) -> str:
    """The part that an anatomy belongs to: "training", "validation" or "test"."""
    return next(name for name, (digits, _) in PARTS.items() if anatomy % 10 in digits)


def level_of(anatomy: int) -> int:
    """Slice of the template that an anatomy starts from, in a slab of its part."""
    slabs = [slab for slab in range(LOWEST_SLAB, HIGHEST_SLAB + 1) if slab % 5 in PARTS[part_of(anatomy)][1]]
    random = generator("level", int(anatomy))
    return slabs[int(random.integers(len(slabs)))] * SLAB + int(random.integers(SLAB))


def smooth(random: np.random.Generator, deviation: float) -> np.ndarray:
    """A Gaussian field (y, x) of mean 0 and variance about 1, whose features are `deviation` pixels wide."""
    from scipy import ndimage

    step = max(int(deviation / 2), 1)
    drawn = random.standard_normal((SIZE // step + 5, SIZE // step + 5))
    small: Any = ndimage.gaussian_filter(drawn, deviation / step, mode="wrap")
    small *= 2.0 * np.sqrt(np.pi) * deviation / step
    if step > 1:
        small = ndimage.zoom(small, step, order=1)[2:, 2:]
    return small[:SIZE, :SIZE]


def _warp(random: np.random.Generator) -> np.ndarray:
    """(2, y, x) places in the template's slice [mm] of every pixel: a random affine map, then elastic bends."""
    centred = (np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2.0) * PIXEL
    turn = np.deg2rad(random.uniform(-18.0, 18.0))
    scales, shear = random.uniform(0.92, 1.14, 2), random.uniform(-0.06, 0.06)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[1.0, shear], [0.0, 1.0]]
    mirrored = random.choice([-1.0, 1.0])
    bends = sum(
        amplitude * np.stack([smooth(random, width), smooth(random, width)])
        for amplitude, width in ((random.uniform(2.0, 4.5), 14.0), (random.uniform(0.8, 1.8), 6.0))
    )
    shift = random.uniform(-7.0, 7.0, 2)
    moved = np.einsum("ij,jyx->iyx", matrix, centred + bends - shift[:, None, None])
    moved *= scales[:, None, None]
    moved[1] *= mirrored
    return moved + np.array(_MIDDLE)[:, None, None]


def simulate(anatomy: int) -> Head:
    """The slice of an anatomy, by its number alone.

    Raises
    ------
    ValueError
        A number outside 0 to `MOST` - 1.
    """
    from scipy import ndimage

    if not 0 <= anatomy < MOST:
        raise ValueError(f"anatomy: {anatomy}; expected 0 to {MOST - 1}")
    random = generator("anatomy", int(anatomy))
    level = level_of(anatomy)
    places = _warp(random)
    grey, white, brain = (
        ndimage.map_coordinates(part, places, order=1, mode="constant", cval=0.0).clip(0.0, 1.0)
        for part in _softened(level)
    )
    atrophy = random.uniform(0.75, 1.1)
    grey = grey * np.clip(atrophy + 0.08 * smooth(random, 12.0), 0.5, 1.0)
    shares = _shares(grey, white, brain)
    lesions, name = _lesions(random, shares)
    shares = {tissue: share * (1.0 - sum(lesions.values(), np.zeros_like(share))) for tissue, share in shares.items()}
    shares |= lesions
    labels = _labels(shares, brain)
    outside, bone, metal = _skull(random, brain > 0.5, level)
    shares |= outside
    return _materials(random, shares, bone, metal, labels, name)


def _shares(grey: np.ndarray, white: np.ndarray, brain: np.ndarray) -> dict[str, np.ndarray]:
    total = np.maximum(grey + white, 1e-6)
    over = np.minimum(1.0, brain / total)
    grey, white = grey * over, white * over
    return {
        "cerebrospinal_fluid": np.clip(brain - grey - white, 0.0, 1.0),
        "grey_matter": grey,
        "white_matter": white,
    }


def _labels(shares: dict[str, np.ndarray], brain: np.ndarray) -> np.ndarray:
    lesion = sum((shares[name] for name in LESIONS[1:] if name in shares), np.zeros_like(brain))
    stack = np.stack([1.0 - brain, *(shares[name] for name in TISSUES[1:4]), lesion])
    return stack.argmax(axis=0).astype(np.int8)


def _lesions(random: np.random.Generator, shares: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], str]:
    """Shares of a lesion's tissues, and its name; in half of the heads there is none."""
    name = LESIONS[int(random.choice(4, p=[0.5, 0.15, 0.2, 0.15]))]
    tissue = shares["grey_matter"] + shares["white_matter"]
    places = np.argwhere(shares["white_matter"] > 0.6)
    if name == "none" or len(places) < 40:
        return {}, "none"
    y, x = places[int(random.integers(len(places)))]
    rows, columns = np.mgrid[:SIZE, :SIZE]
    radius = random.uniform(5.0, 11.0)
    stretch = random.uniform(0.7, 1.4)
    distance = np.hypot((rows - y) * stretch, (columns - x) / stretch) + 1.6 * smooth(random, 4.0)
    inside = 1.0 / (1.0 + np.exp((distance - radius) / 0.7))
    if name == "infarct":
        return {"infarct": inside * tissue}, name
    oedema = inside * (shares["white_matter"] + 0.35 * shares["grey_matter"])
    if name == "oedema":
        return {"oedema": oedema}, name
    core = 1.0 / (1.0 + np.exp((distance - radius * random.uniform(0.45, 0.7)) / 0.5))
    return {"tumour": core * tissue, "oedema": oedema * (1.0 - core)}, name


def _skull(
    random: np.random.Generator, brain: np.ndarray, level: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Shares of what lies around the brain, density of bone (relative), and metal (0 or 1)."""
    from scipy import ndimage

    margin = 14
    closed = ndimage.binary_closing(np.pad(brain, margin), iterations=12)
    filled: Any = ndimage.binary_fill_holes(closed)
    filled = filled[margin:-margin, margin:-margin]
    outer_side: Any = ndimage.distance_transform_edt(~filled)
    inner_side: Any = ndimage.distance_transform_edt(filled)
    depth = (outer_side - inner_side) * PIXEL

    def edge(border: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + np.exp((border - depth) / 0.8))

    fluid = random.uniform(1.5, 4.5) + 0.7 * smooth(random, 10.0)
    thick = np.maximum(random.uniform(4.5, 10.0) * np.exp(0.2 * smooth(random, 12.0)), 2.5)
    skin = np.maximum(random.uniform(4.0, 9.0) * np.exp(0.25 * smooth(random, 14.0)), 2.5)
    inner, outer = np.maximum(fluid, 0.8), np.maximum(fluid, 0.8) + thick
    table = np.clip(random.uniform(1.3, 2.6) + 0.4 * smooth(random, 9.0), 0.9, None)
    skull = edge(inner) * (1.0 - edge(outer))
    spongy = edge(inner + table) * (1.0 - edge(outer - table)) * random.uniform(0.3, 1.0)
    air = _sinuses(random, depth, inner, outer, table, level)
    scalp = edge(outer) * (1.0 - edge(outer + skin))
    fatty = np.clip(0.55 + 0.35 * smooth(random, 8.0), 0.0, 1.0) * edge(outer + 0.15 * skin)
    fatty = fatty * (1.0 - edge(outer + 0.8 * skin))
    bone = np.exp(random.normal(0.0, 0.14) + 0.16 * smooth(random, 10.0) + 0.07 * smooth(random, 3.0))
    metal = np.zeros(brain.shape)
    if random.random() < 0.06 and (places := np.argwhere(skull > 0.8)).size:
        y, x = places[int(random.integers(len(places)))]
        metal = (np.hypot(*(np.mgrid[:SIZE, :SIZE] - np.array([y, x])[:, None, None])) < random.uniform(0.8, 1.8)) * 1.0
    gap = (1.0 - edge(inner)) * ~brain
    shares = {
        "cortical_bone": skull * (1.0 - spongy) * (1.0 - air),
        "marrow": skull * spongy * (1.0 - air),
        "fat": scalp * fatty,
        "muscle": scalp * (1.0 - fatty),
        "subarachnoid": gap,
    }
    return shares, bone, metal


def _sinuses(
    random: np.random.Generator,
    depth: np.ndarray,
    inner: np.ndarray,
    outer: np.ndarray,
    table: np.ndarray,
    level: int,
) -> np.ndarray:
    """Share of air within the skull: frontal sinuses and mastoid cells, the likelier the lower the slice."""
    if random.random() > np.interp(level, [0, 30, 60, 90], [0.95, 0.6, 0.25, 0.05]):
        return np.zeros(depth.shape)
    within = (depth > inner + 0.6 * table) & (depth < outer - 0.6 * table)
    rows = np.mgrid[:SIZE, :SIZE][0] / SIZE
    where = random.choice(["front", "sides", "anywhere"], p=[0.5, 0.3, 0.2])
    near = {"front": rows < 0.33, "sides": (rows > 0.45) & (rows < 0.75), "anywhere": rows >= 0.0}[str(where)]
    cells = smooth(random, random.uniform(2.0, 5.0)) > random.uniform(-0.2, 0.5)
    return (within & near & cells) * random.uniform(0.8, 1.0)


def _materials(
    random: np.random.Generator,
    shares: dict[str, np.ndarray],
    bone: np.ndarray,
    metal: np.ndarray,
    labels: np.ndarray,
    name: str,
) -> Head:
    fluid = shares.pop("subarachnoid")
    shares["cerebrospinal_fluid"] = np.clip(shares["cerebrospinal_fluid"] + fluid, 0.0, 1.0)
    units = {
        "cerebrospinal_fluid": random.normal(6.0, 2.0),
        "grey_matter": random.normal(39.0, 2.0),
        "white_matter": random.normal(30.0, 2.0),
        "oedema": random.normal(18.0, 3.0),
        "tumour": random.normal(52.0, 7.0),
        "infarct": random.normal(15.0, 4.0),
        "fat": random.normal(-90.0, 10.0),
        "muscle": random.normal(52.0, 6.0),
        "cortical_bone": random.uniform(1150.0, 1750.0) * bone,
        "marrow": random.uniform(250.0, 850.0) * bone**1.5,
    }
    total = sum(shares.values(), np.zeros(labels.shape))
    hounsfield = ct.AIR * np.clip(1.0 - total, 0.0, 1.0) + sum(
        share * units[tissue] for tissue, share in shares.items()
    )
    hounsfield = hounsfield / np.maximum(total, 1.0) + 2.5 * smooth(random, 3.0) * (total > 0.5)
    hounsfield = np.where(metal > 0, ct.METAL, np.clip(hounsfield, ct.AIR, 2500.0))
    maps = []
    for column, spread in ((0, 0.03), (1, 0.08), (2, 0.08)):
        values = {tissue: mri.RELAXATION[tissue][column] * np.exp(random.normal(0.0, spread)) for tissue in shares}
        if column == 0:
            maps.append(sum(share * values[tissue] for tissue, share in shares.items()) / np.maximum(total, 1.0))
        else:
            weights = {tissue: share * mri.RELAXATION[tissue][0] for tissue, share in shares.items()}
            weight = sum(weights.values(), np.full(labels.shape, 1e-6))
            maps.append((sum(w * values[t] for t, w in weights.items()) + 1e-6 * 500.0) / weight)
    hole = _hole(metal)
    local = 1.0 + 0.03 * smooth(random, 4.0)
    density = maps[0] * (1.0 - hole) * local
    made = [np.asarray(field, np.float32) for field in (hounsfield, density, maps[1] * local, maps[2])]
    return Head(labels, made[0], made[1], made[2], made[3], name)


def _hole(metal: np.ndarray) -> np.ndarray:
    """Where metal leaves MR no signal, wider than itself."""
    from scipy import ndimage

    return np.clip(1.3 * ndimage.gaussian_filter(metal, 2.0) / 0.15, 0.0, 1.0) if metal.any() else metal


def scan_ct(head: Head, random: np.random.Generator) -> np.ndarray:
    """(y, x) float32 Hounsfield units of a noisy scan."""
    return SCANNER.scan(head.hounsfield, random).astype(np.float32)


def scan_mri(
    head: Head, random: np.random.Generator, protocol: mri.Protocol = mri.USUAL, sequence: str = "t1"
) -> np.ndarray:
    """(y, x) float32 image of a scan, in units of normal white matter's signal."""
    repetition, echo, inversion = mri.SEQUENCES[sequence]
    bias, noise, contrast, gamma = (
        random.uniform(*pair) for pair in (protocol.bias, protocol.noise, protocol.contrast, protocol.gamma)
    )
    timing = (repetition * contrast, echo, inversion)
    one = mri.signal(*(np.array(value) for value in mri.RELAXATION["white_matter"]), timing)  # type: ignore[arg-type]
    image = mri.signal(head.density, head.t1, head.t2, timing) / one
    slow = smooth(random, 30.0) + 0.5 * smooth(random, 18.0)
    image = image * np.exp(bias * (slow - slow.mean()) / max(float(slow.std()), 1e-9))
    return (mri.with_noise(image, noise, random) ** gamma).astype(np.float32)
