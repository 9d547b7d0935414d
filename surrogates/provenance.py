"""Where samples and weights come from: versions, conventions and the machine, as files and cards record them."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract.plugin import Plugin
    from .contract.simulator import Opened


CONVENTIONS = "CF-1.12"


@cache
def package_version(package: str) -> str:
    """Version of an installed distribution, "not installed" where there is none; read once a process."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def versions(plugin: Plugin) -> dict[str, Any]:
    """Dataset attributes that name the plugin, and the versions of this package and of the plugin's reference."""
    found = {"title": plugin.title or plugin.name, "surrogates_version": package_version("surrogates")}
    if plugin.reference_package:
        found["reference_version"] = f"{plugin.reference_package} {package_version(plugin.reference_package)}"
    return found


def machine(simulator: Opened) -> dict[str, Any]:
    """Where samples are made: what equal bits depend on beside the provenance."""
    import platform

    facts: dict[str, Any] = {"processor": platform.machine(), "python": platform.python_version()}
    if simulator.card is not None:
        import torch

        facts |= {
            "device": simulator.device,
            "torch_build": str(torch.__version__),
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
        }
    return facts


def processor() -> str:
    import platform

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


_IMPORTED_AS = {"sklearn": "scikit-learn", "PIL": "matplotlib", "mpl_toolkits": "matplotlib"}
"""Libraries that are imported under another name than they are installed under, or come with another."""


def extra_of(module: str) -> str | None:
    """The extra of this package that installs what is imported as `module`; None where no extra does.

    Of several extras, the one named first in the package's metadata.
    """
    import re
    from importlib import metadata

    top = module.partition(".")[0]
    wanted = _IMPORTED_AS.get(top, top).lower().replace("_", "-")
    for line in metadata.requires("surrogates") or ():
        named = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
        if named and extra and extra[1] != "dev" and named[0].lower().replace("_", "-").replace(".", "-") == wanted:
            return extra[1]
    return None
