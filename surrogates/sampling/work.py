"""Work: files that several processes write, wherever these run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..io.locks import Lock


class Work(Protocol):
    """Files to be written, one an item; sent to other processes by pickle."""

    @property
    def name(self) -> str:
        """What is done, for messages: ``sampling``."""
        ...

    @property
    def lock(self) -> Lock:
        """Held by whoever has the work done, in the folder of the files."""
        ...

    def do(self, items: Sequence[Any]) -> Any:
        """Write the files of some items, except those that are there; what is returned goes to `on_result`."""
        ...

    def missing(self, items: Sequence[Any]) -> list[Any]:
        """The items whose files are not there."""
        ...

    def tidy(self) -> None:
        """Remove what killed processes left, while nobody writes."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the files depend on beside the work itself: versions, weights, and the machine that it runs on."""
        ...
