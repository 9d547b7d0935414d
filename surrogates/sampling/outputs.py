"""Which format an output has, what its writer takes, and whether it may be written at all; before anything runs."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..io import FormatError, OutputError

if TYPE_CHECKING:
    from ..io import Format, Formats

STDOUT = "-"


def chosen_format(formats: Formats, output: str, named: str | None) -> Format:
    """The format named, the one of the suffix, or on stdout the first that streams.

    Raises
    ------
    FormatError
        Unknown name or suffix, or nothing that streams.
    """
    if named is not None:
        return formats.named(named)
    if output != STDOUT:
        return formats.for_path(output)
    streaming = next((entry for entry in formats if entry.streams), None)
    if streaming is None:
        raise FormatError(
            f"-o -: no format of this plugin streams to stdout; give a file name ({', '.join(formats.suffixes)})"
        )
    return streaming


def write_options(chosen: Format, *, compression: str | None, **offered: Any) -> dict[str, Any]:
    """The options of a format's `write` among those offered.

    Raises
    ------
    FormatError
        A compression is asked of a format that knows none.
    """
    known = inspect.signature(chosen.write).parameters
    if compression is not None:
        if "compression" not in known:
            raise FormatError(f"--compression {compression}: the format {chosen.name} knows none")
        offered["compression"] = compression
    return {name: value for name, value in offered.items() if name in known}


def check_target(output: str, chosen: Format, *, overwrite: bool) -> None:
    """Refuse an output before anything is computed.

    Raises
    ------
    FormatError
        A format that cannot be streamed to stdout.
    OutputError
        An existing file without `overwrite`.
    """
    if output == STDOUT:
        if not chosen.streams:
            raise FormatError(f"-o -: the format {chosen.name} cannot be streamed to stdout; give a file name")
        if sys.stdout.isatty():
            raise OutputError("-o -: stdout is a terminal; send it into a pipe or a file")
        return
    path = Path(output)
    if path.is_file() and not overwrite:
        raise OutputError(f"{output} exists already; choose another name or give --overwrite")
