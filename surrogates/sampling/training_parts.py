"""Parts of training data made by the workers of a Dask scheduler: `surrogates train --scheduler`.

The loop that trains asks for its parts one after another; those that are not kept yet are made in front of it, some
for each worker at a time, and read from the run's folder as if they had been there before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import SurrogatesError
from ..io.locks import locked
from ..provenance import versions
from ..registry import portable, resolve
from ..training.simulated import Part, kept, made_elsewhere, part_file
from .scheduler import number_of_workers, on_scheduler

if TYPE_CHECKING:
    from ..contract.plugin import Plugin
    from ..io.locks import Lock

EACH = 4
"""Parts that are asked of a worker at a time: of data whose end is not known, so many may be made in vain."""


@contextmanager
def simulated_by(scheduler: str, plugin: Plugin) -> Iterator[Made]:
    """Within it, training data that are kept part by part are made by a scheduler's workers.

    Parameters
    ----------
    scheduler : str
        See :mod:`surrogates.sampling.scheduler`.
    plugin : Plugin
        Whose data are made: its versions have to be the same everywhere.

    Yields
    ------
    Made
        Counts the parts that workers made.
    """
    made = Made(scheduler, portable(plugin))
    with made_elsewhere(made, at_once=EACH * number_of_workers(scheduler)):
        yield made


@dataclass
class Made:
    """Has parts made, and counts them."""

    scheduler: str
    plugin: str | Plugin
    parts: int = field(default=0, init=False)

    def __call__(
        self,
        folder: Path,
        parts: Sequence[Part],
        make: Callable[..., Mapping[str, np.ndarray]],
        provenance: Mapping[str, Any],
    ) -> None:
        """Have `parts` made into `folder`, which all workers have to see."""
        import cloudpickle

        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            sent = cloudpickle.dumps((make, dict(provenance)))
        except Exception as error:  # whatever a plugin's function holds may refuse in its own way
            raise SurrogatesError(
                f"scheduler: what makes the training data cannot be sent to workers ({error}); leave --scheduler out"
            ) from None
        with locked(folder / ".parts.lock", folder) as lock:
            work = _Parts(self.plugin, folder, lock, sent)
            on_scheduler(work, list(parts), scheduler=self.scheduler, on_result=self._count)

    def _count(self, parts: int) -> None:
        self.parts += parts


@dataclass(frozen=True)
class _Parts:
    """Parts of training data; see `surrogates.sampling.work.Work`."""

    plugin: str | Plugin
    folder: Path
    lock: Lock
    sent: bytes
    name: str = "simulating training data"

    def do(self, items: Sequence[Part]) -> int:
        make, provenance = _opened(self.sent)
        return sum(1 for _ in kept(self.folder, items, make, provenance))

    def missing(self, items: Sequence[Part]) -> list[Part]:
        return [part for part in items if not part_file(self.folder, part[0]).exists()]

    def tidy(self) -> None:
        """A part that a killed worker began lies under a temporary name, which nobody reads."""

    def facts(self) -> dict[str, Any]:
        """Functions are sent as code of one version of Python."""
        return {**versions(resolve(self.plugin)), "python_version": "{}.{}".format(*sys.version_info)}


@lru_cache(maxsize=2)
def _opened(sent: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(sent)
