"""Which plugins are installed, and how to open one by name; imports neither torch nor a domain library itself.

A plugin is an entry point of the group ``surrogates.plugins`` whose value is ``package.module:PLUGIN``. Listing reads
entry points and cards alone; a plugin's own module is imported only when that plugin is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from .contract.errors import PluginError, SurrogatesError

if TYPE_CHECKING:
    from .contract.plugin import Plugin
    from .release.cards import Card

GROUP = "surrogates.plugins"


@dataclass(frozen=True)
class Entry:
    """One installed plugin, as its package declares it; nothing of the plugin is imported.

    Attributes
    ----------
    name : str
    value : str
        ``package.module:ATTRIBUTE``.
    package : str
        Distribution that declares it.
    """

    name: str
    value: str
    package: str

    @property
    def module(self) -> str:
        """Dotted name of the module that holds the plugin."""
        return self.value.partition(":")[0].strip()

    @property
    def weights(self) -> Path:
        """Folder with the released weights and cards, `weights/` beside the plugin's module.

        Raises
        ------
        PluginError
            When the package that the entry point names is not there.
        """
        top, *rest = self.module.split(".")
        spec = importlib.util.find_spec(top)
        if spec is None or not spec.submodule_search_locations:
            raise PluginError(
                f"{self.name}: package {top!r} of entry point {self.value!r} is not installed; reinstall {self.package}"
            )
        folder = Path(next(iter(spec.submodule_search_locations))).joinpath(*rest)
        return (folder if folder.is_dir() else folder.parent) / "weights"

    def cards(self) -> tuple[Card, ...]:
        """Cards of the released weights that serve this plugin, the default model's first.

        Plugins of one folder share its weights: a card names whom it serves.
        """
        from .release.cards import Card

        found = [card for card in map(Card.read, self.weights.glob("*.json")) if self.name in card.plugins]
        return tuple(sorted(found, key=lambda card: (card.position, card.recipe)))

    def load(self) -> Plugin:
        """Import the plugin's declaration.

        Raises
        ------
        PluginError
            When the module fails to import or declares another name.
        """
        from .contract.plugin import Plugin

        attribute = self.value.partition(":")[2].strip()
        try:
            plugin = getattr(importlib.import_module(self.module), attribute)
        except Exception as error:
            cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise PluginError(
                f"{self.name}: {self.value} of {self.package} does not import ({cause}); reinstall or mend it"
            ) from error
        if not isinstance(plugin, Plugin):
            raise PluginError(f"{self.name}: {self.value} is a {type(plugin).__name__}; expected a surrogates.Plugin")
        if plugin.name != self.name:
            raise PluginError(
                f"{self.name}: {self.value} calls itself {plugin.name!r}; give entry point and plugin one name"
            )
        return plugin


def plugins() -> tuple[Entry, ...]:
    """The installed plugins by name.

    Raises
    ------
    PluginError
        When two packages declare one name.

    Warns
    -----
    UserWarning
        For each entry point that is no ``module:ATTRIBUTE``; it is left out.
    """
    key = _path_key()
    if key in _FOUND:
        return _FOUND[key]
    entries: dict[str, Entry] = {}
    whole = True
    for point in metadata.entry_points(group=GROUP):
        entry = Entry(point.name, point.value, point.dist.name if point.dist is not None else "an unnamed package")
        if not all(part.strip() for part in entry.value.partition(":")):
            warnings.warn(
                f"plugin {entry.name!r} of {entry.package} is left out: {entry.value!r} is no module:ATTRIBUTE",
                stacklevel=2,
            )
            whole = False
            continue
        twin = entries.get(entry.name)
        if twin is not None and twin != entry:
            raise PluginError(
                f"{entry.name}: declared by {twin.package} ({twin.value}) and {entry.package} ({entry.value}); "
                "uninstall one"
            )
        entries[entry.name] = entry
    found = tuple(entries[name] for name in sorted(entries))
    if whole:  # what is left out is warned of each time
        _FOUND.clear()
        _FOUND[key] = found
    return found


_FOUND: dict[tuple[object, ...], tuple[Entry, ...]] = {}
"""The plugins of the path as it is; reading every package's metadata takes some 20 ms."""


def _path_key() -> tuple[object, ...]:
    """The folders that packages are found in and when each changed, as an installation changes one."""

    def changed(folder: str) -> int | None:
        try:
            return os.stat(folder or ".").st_mtime_ns
        except OSError:
            return None

    return tuple((folder, changed(folder)) for folder in sys.path)


def entry(name: str) -> Entry:
    """The installed plugin called `name`.

    Raises
    ------
    PluginError
        Unknown name; the message suggests the nearest.
    """
    from .contract.schema import nearest

    known = {item.name: item for item in plugins()}
    if name not in known:
        raise PluginError(f"{name}: unknown plugin; installed: {', '.join(known) or 'none'}{nearest(name, known)}")
    return known[name]


def plugin(name: str) -> Plugin:
    """The declaration of the plugin called `name`; raises PluginError where it is unknown or broken."""
    return entry(name).load()


def resolve(name_or_plugin: str | Plugin) -> Plugin:
    """A plugin from its name, or the plugin itself."""
    return plugin(name_or_plugin) if isinstance(name_or_plugin, str) else name_or_plugin


def portable(declared: Plugin, card: Card | None = None) -> str | Plugin:
    """What another process opens `declared` by: its name where it is the installed plugin, else the plugin itself.

    What a card says beyond the declaration makes no difference: whoever opens its weights finds it there.
    """
    installed = {item.name: item for item in plugins()}
    found = installed.get(declared.name)
    if found is None:
        return declared
    there = found.load()
    if card is not None and declared != there:
        there = card.described(there)
        if card.options:  # a recipe made anew with its options is another object
            there = replace(there, recipes={**there.recipes, card.recipe: declared.recipes[card.recipe]})
    return declared.name if declared == there else declared


def every_plugin() -> tuple[Plugin, ...]:
    """Declarations of all installed plugins; a broken one warns and is left out."""
    found = []
    for item in plugins():
        try:
            found.append(item.load())
        except PluginError as error:
            warnings.warn(f"left out {error}", stacklevel=2)
    return tuple(found)


def every_card() -> dict[str, tuple[Card, ...]]:
    """Cards by plugin name, without importing any plugin; a plugin whose cards do not read warns and shows none."""
    found: dict[str, tuple[Card, ...]] = {}
    for item in plugins():
        try:
            found[item.name] = item.cards()
        except (SurrogatesError, OSError) as error:
            warnings.warn(f"plugin {item.name!r} of {item.package}: {error}", stacklevel=2)
            found[item.name] = ()
    return found
