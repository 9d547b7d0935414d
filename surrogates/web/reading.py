"""Reads one uploaded file: `python -m surrogates.web.reading PLUGIN CONDITION FILE TARGET`, with limits on itself.

A file that a stranger sends is opened here and nowhere else: what a library does of a damaged one ends this
process alone.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

MEMORY = 4 * 2**30
CPU_SECONDS = 60


def main(plugin_name: str, condition: str, source: str, target: str) -> int:
    """Read, check and store the field; the exit code, with one line on stderr where it is not 0."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    import numpy as np

    from .. import registry
    from ..contract.errors import SurrogatesError
    from ..sampling.files import read_field
    from ..sampling.request import ask

    try:
        plugin = registry.plugin(plugin_name)
        variable = plugin.conditions[condition]
        field = read_field(Path(source), variable, plugin)
        schema = type(plugin.conditions)((variable,), plugin.conditions.dimensions)
        brought = ask(schema, 1, {condition: field}).whole()[condition].values
        np.save(target, brought[0], allow_pickle=False)
    except (SurrogatesError, OSError, MemoryError) as error:
        print(f"{error}" or type(error).__name__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
