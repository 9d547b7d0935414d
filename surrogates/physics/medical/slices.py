"""Many heads scanned: arrays of CT, MR and labels, for training and for the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from . import head, mri

TRAINING, VALIDATION, TEST = "training", "validation", "test"


def anatomies(part: str, count: int, start: int = 0) -> np.ndarray:
    """The anatomies `start` to `start + count` of a part, (count,) int64, each once.

    Raises
    ------
    ValueError
        More than the part has.
    """
    digits = np.array(head.PARTS[part][0])
    place = np.arange(start, start + count)
    if len(place) and place[-1] >= len(digits) * head.MOST // 10:
        raise ValueError(f"count: {count} from {start}; expected at most {len(digits) * head.MOST // 10} in all")
    return place // len(digits) * 10 + digits[place % len(digits)]


def scanned(
    numbers: Sequence[int], seeds: Sequence[int], wanted: Sequence[str], protocol: mri.Protocol = mri.USUAL
) -> Iterator[dict[str, np.ndarray]]:
    """What scanners show of heads, one after another.

    Parameters
    ----------
    numbers : sequence of int
        Anatomies.
    seeds : sequence of int
        Of the scanners' noise, one a head; the scanners draw apart from one another.
    wanted : sequence of str
        Of ``ct`` and ``mri``, float32 (y, x), ``tissue``, int8 (y, x), and ``clean_ct``, a scan without noise.

    Yields
    ------
    dict of ndarray
    """
    for number, seed in zip(numbers, seeds, strict=True):
        found = head.simulate(int(number))
        made: dict[str, np.ndarray] = {}
        if "ct" in wanted:
            made["ct"] = head.scan_ct(found, head.generator("ct", int(seed), int(number)))
        if "mri" in wanted:
            made["mri"] = head.scan_mri(found, head.generator("mri", int(seed), int(number)), protocol)
        if "tissue" in wanted:
            made["tissue"] = found.labels
        if "clean_ct" in wanted:
            made["clean_ct"] = head.SCANNER.without_noise(found.hounsfield).astype(np.float32)
        yield made


SCANS = 3
"""MR scans of each head in a pool."""


def pool(start: int, count: int, seed: int) -> dict[str, np.ndarray]:
    """Training heads `start` to `start + count`, each in one CT and in three MR scans of other settings and noise.

    Returns
    -------
    dict of ndarray
        `ct` (n, y, x) and `mri` (n, 3, y, x) in half precision, `tissue` (n, y, x), `anatomy` (n,).
    """
    numbers = anatomies(TRAINING, count, start)
    made: dict[str, list[np.ndarray]] = {"ct": [], "mri": [], "tissue": []}
    for number in numbers.tolist():
        found = head.simulate(number)
        made["ct"].append(head.scan_ct(found, head.generator("ct", int(seed), number)))
        scans = [head.scan_mri(found, head.generator("mri", int(seed) + k, number)) for k in range(SCANS)]
        made["mri"].append(np.stack(scans))
        made["tissue"].append(found.labels)
    kinds = {"ct": np.float16, "mri": np.float16, "tissue": np.int8}
    return {name: np.stack(made[name]).astype(kind) for name, kind in kinds.items()} | {"anatomy": numbers}


def held_out(uniform: np.ndarray, bounds: tuple[float, float] = (0, head.MOST - 1)) -> np.ndarray:
    """An anatomy of the test part within `bounds`, which span ten numbers or more, for each number in (0, 1), int64."""
    low, high = int(np.ceil(bounds[0])), int(np.floor(bounds[1]))
    (digit,) = head.PARTS[TEST][0]
    first = low + (digit - low) % 10
    count = max((high - first) // 10 + 1, 1)
    return first + 10 * np.minimum((np.asarray(uniform) * count).astype(np.int64), count - 1)
