"""Training data simulated once and kept part by part: a killed run goes on, and other settings never read old parts."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import SurrogatesError
from ..io.atomic import replacing

MADE_BY = "made_by"
"""Array of a part that holds, as JSON, what it was made with."""

Arrays = dict[str, np.ndarray]
Part = tuple[str, Mapping[str, Any]]
Elsewhere = Callable[[Path, Sequence[Part], Callable[..., Mapping[str, np.ndarray]], Mapping[str, Any]], None]
"""Has some parts made into a folder, given that, the parts, what makes one and its provenance; see `kept`."""

_ELSEWHERE: ContextVar[tuple[Elsewhere, int] | None] = ContextVar("elsewhere", default=None)


@contextmanager
def made_elsewhere(elsewhere: Elsewhere, *, at_once: int) -> Iterator[None]:
    """Within it `kept` has the parts that its folder lacks made by `elsewhere`, `at_once` of them at a time."""
    token = _ELSEWHERE.set((elsewhere, at_once))
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)


def kept(
    folder: Path | None,
    parts: Iterable[Part],
    make: Callable[..., Mapping[str, np.ndarray]],
    provenance: Mapping[str, Any],
) -> Iterator[Arrays]:
    """Arrays of one part after another: read where `folder` has them, else made and written whole.

    Parameters
    ----------
    folder : Path, optional
        Holds ``NAME.npz`` a part; None keeps nothing.
    parts : iterable of (str, mapping)
        Name and settings of each part; may be endless, as parts are made when they are asked for.
    make : callable
        Settings of a part, by name -> its arrays.
    provenance : mapping
        What all parts are made with beside their settings: seeds, cuts, versions of simulators. Plain values, as JSON
        holds them.

    Yields
    ------
    dict of numpy.ndarray

    Raises
    ------
    SurrogatesError
        A part that was made with other settings, or does not read.

    Examples
    --------
    >>> parts = [(f"events_{i:03d}", {"seed": i}) for i in range(3)]
    >>> list(kept(None, parts, lambda seed: {"x": np.full(2, seed)}, {}))[2]["x"].tolist()
    [2, 2]
    """
    elsewhere = _ELSEWHERE.get()
    if folder is not None and elsewhere is not None:
        parts = _made_ahead(folder, parts, make, provenance, *elsewhere)
    for name, settings in parts:
        if folder is None:
            yield dict(make(**settings))
            continue
        path = part_file(folder, name)
        made_by = json.dumps({**provenance, **settings}, sort_keys=True, default=_plain)
        if path.exists():
            yield _read(path, made_by)
            continue
        arrays = dict(make(**settings))
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path, overwrite=True) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays, **{MADE_BY: np.array(made_by)})
        yield arrays


def part_file(folder: Path, name: str) -> Path:
    """Where a part is kept."""
    return folder / f"{name}.npz"


def _made_ahead(
    folder: Path,
    parts: Iterable[Part],
    make: Callable[..., Mapping[str, np.ndarray]],
    provenance: Mapping[str, Any],
    elsewhere: Elsewhere,
    at_once: int,
) -> Iterator[Part]:
    waiting = iter(parts)
    while some := list(islice(waiting, at_once)):
        missing = [part for part in some if not part_file(folder, part[0]).exists()]
        if missing:
            elsewhere(folder, missing, make, provenance)
        yield from some


def _read(path: Path, made_by: str) -> Arrays:
    advice = "remove it, or choose another folder"
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SurrogatesError(f"{path}: does not read ({type(error).__name__}); {advice}") from None
    if MADE_BY not in arrays:
        raise SurrogatesError(f"{path}: does not say what it was made with; {advice}")
    found, expected = json.loads(str(arrays.pop(MADE_BY))), json.loads(made_by)
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            raise SurrogatesError(
                f"{path}: was made with {name} = {found.get(name)!r}, now {expected.get(name)!r}; {advice}",
                variable=name,
                value=found.get(name),
                expected=repr(expected.get(name)),
            )
    return arrays


def _plain(value: Any) -> Any:
    """A value of NumPy as JSON writes it."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"provenance: {value!r} is no plain value; expected numbers, strings, lists and dictionaries")
