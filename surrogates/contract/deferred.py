"""A callable that is imported when it is first called, so that a declaration imports neither torch nor its domain."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import PluginError


@dataclass(frozen=True)
class Deferred:
    """Calls what `target` names; picklable and comparable, as the name itself is.

    Attributes
    ----------
    target : str
        ``package.module:name``.
    """

    target: str

    def __post_init__(self) -> None:
        module, _, name = self.target.partition(":")
        if not module or module.startswith(".") or not name.isidentifier():
            raise PluginError(f"deferred: {self.target!r} names nothing; expected 'package.module:name'")

    def resolve(self) -> Callable[..., Any]:
        """What `target` names.

        Raises
        ------
        PluginError
            The module is there and has no such name; an ImportError of the module itself is passed on.
        """
        module, _, name = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except AttributeError:
            raise PluginError(f"deferred: {self.target!r} names nothing: {module} has no {name!r}") from None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.resolve()(*arguments, **options)


def deferred(target: str) -> Any:
    """What ``package.module:name`` names, imported when it is first called; for codecs, models, steps and figures.

    >>> codec = deferred("surrogates.plugins.jets.codec:JetCodec")
    """
    return Deferred(target)
