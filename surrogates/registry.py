"""Which plugins are installed, and how to open one by name; imports neither torch nor a domain library itself.

A plugin is an entry point of the group ``surrogates.plugins`` whose value is ``package.module:PLUGIN``. Listing reads
entry points and cards alone; a plugin's own module is imported only when that plugin is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import PluginError, SimulatorMissing, SurrogatesError

if TYPE_CHECKING:
    from .cards import Card
    from .plugin import Plugin
    from .reference_simulator import ReferenceSimulator
    from .surrogate import Surrogate

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
        """Cards of the released weights, in the order of their file names."""
        from .cards import Card

        return tuple(Card.read(path) for path in sorted(self.weights.glob("*.json")))

    def load(self) -> Plugin:
        """Import the plugin's declaration.

        Raises
        ------
        PluginError
            When the module fails to import or declares another name.
        """
        from .plugin import Plugin

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
    entries: dict[str, Entry] = {}
    for point in metadata.entry_points(group=GROUP):
        entry = Entry(point.name, point.value, point.dist.name if point.dist is not None else "an unnamed package")
        if not all(part.strip() for part in entry.value.partition(":")):
            warnings.warn(
                f"plugin {entry.name!r} of {entry.package} is left out: {entry.value!r} is no module:ATTRIBUTE",
                stacklevel=2,
            )
            continue
        twin = entries.get(entry.name)
        if twin is not None and twin != entry:
            raise PluginError(
                f"{entry.name}: declared by {twin.package} ({twin.value}) and {entry.package} ({entry.value}); "
                "uninstall one"
            )
        entries[entry.name] = entry
    return tuple(entries[name] for name in sorted(entries))


def entry(name: str) -> Entry:
    """The installed plugin called `name`.

    Raises
    ------
    PluginError
        Unknown name; the message suggests the nearest.
    """
    from .schema import nearest

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


def portable(declared: Plugin) -> str | Plugin:
    """What another process opens `declared` by: its name where it is the installed plugin, else the plugin itself."""
    installed = {item.name: item for item in plugins()}
    found = installed.get(declared.name)
    return declared.name if found is not None and found.load() is declared else declared


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


def load(
    name: str,
    model: str | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
    threads: int | None = 1,
    extrapolate: bool = False,
    fallback: str | None = None,
) -> Surrogate:
    """Open a surrogate with its released weights.

    Parameters
    ----------
    name : str
        Plugin, e.g. ``"particle-events"``.
    model : str, optional
        Recipe; the plugin's first one by default.
    weights : path, optional
        A ``.safetensors`` file of that recipe with its card beside it, in place of the released one.
    device : str
        Torch device.
    threads : int, optional
        Torch threads while sampling, 1 by default: small networks gain little from more, and on a busy machine more
        are many times slower. None leaves torch's own setting.
    extrapolate : bool
        Allow conditions outside the trained range and mark their samples in ``source``.
    fallback : {"reference"}, optional
        Route exactly the samples outside the trained range to the reference simulator and mark them in ``source``.

    Returns
    -------
    Surrogate

    Raises
    ------
    PluginError, WeightsError, SimulatorMissing
    """
    from .surrogate import Surrogate

    found = entry(name)
    return Surrogate.open(
        found.load(),
        model=model,
        weights=Path(weights) if weights is not None else None,
        folder=found.weights,
        device=device,
        threads=threads,
        extrapolate=extrapolate,
        fallback=fallback,
    )


def reference(name: str) -> ReferenceSimulator:
    """Open the reference simulator of a plugin, behind the same call as its surrogate.

    Raises
    ------
    PluginError
        Unknown plugin.
    SimulatorMissing
        The plugin has no forward reference, or its library is not installed; the message names the pip extra.
    """
    from .reference_simulator import ReferenceSimulator

    return ReferenceSimulator.open(plugin(name))


def missing_library(plugin: Plugin, error: ImportError) -> SimulatorMissing:
    """The one-line error for a reference whose domain library is not installed."""
    found = error.name or plugin.reference_package or "its library"
    how = (
        f"pip install 'surrogates[{plugin.extra}]'"
        if plugin.extra
        else f"pip install {plugin.reference_package or found}"
    )
    return SimulatorMissing(f"{plugin.name}: the reference simulator needs {found}, which is not installed; {how}")


def package_version(package: str) -> str:
    """Version of an installed distribution, "not installed" where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def versions(plugin: Plugin) -> dict[str, Any]:
    """Dataset attributes that name the versions of this package and of the plugin's reference."""
    found = {"surrogates_version": package_version("surrogates")}
    if plugin.reference_package:
        found["reference_version"] = f"{plugin.reference_package} {package_version(plugin.reference_package)}"
    return found
