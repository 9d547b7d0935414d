"""What a file format is, the registry that picks one by suffix, and the errors of reading and writing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import SurrogatesError

if TYPE_CHECKING:
    import xarray as xr


class FormatError(SurrogatesError, ValueError):
    """A format that is not known, not installed, or cannot hold the given Dataset."""


class FileFormatError(FormatError):
    """A file that is not what its reader expects: foreign, truncated or altered."""


class OutputError(SurrogatesError, OSError):
    """An output that cannot be written: it exists, the disk is full, the folder is read-only."""


@dataclass(frozen=True)
class Format:
    """One way to store samples.

    Parameters
    ----------
    name : str
        Short name, as given to ``--format``.
    suffixes : tuple of str
        File name endings with their dot; the first is the preferred one.
    description : str
        One line for help texts.
    write : callable
        ``write(blocks, target, *, overwrite=False)``: takes an iterable of Datasets that share one schema,
        memory stays that of one block. Formats may add named options.
    read : callable or None
        ``read(path)`` yields Datasets; None where the format is write-only.
    extra : str or None
        The optional dependency group that installs the library, None where nothing more is needed.
    streams : bool
        Whether the target may be ``"-"`` (standard output) or a named pipe.
    holds : callable, optional
        Dataset -> (n,) bool: the samples that the format can hold, where it leaves out others; None for all.
    one_sample_a_file : bool
        Whether a file holds exactly one sample: a run is then a folder of them.
    leaves_out : str
        What of every sample the format has no place for, in words; laws are then not checked on its files.
    read_field : callable, optional
        ``read_field(path)``: the array or arrays of a file that holds a field condition rather than samples (a mask, an
        image), a DataArray or a Dataset; None where only files of samples are read.
    folders : bool
        Whether `read_field` also takes a folder, such as one of a series of slices.
    rounding : float
        How far at most writing and reading moves a number, in its units: half a step of 8 bits, say.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    write: Callable[..., None]
    read: Callable[[Path], Iterator[xr.Dataset]] | None
    extra: str | None = None
    streams: bool = False
    holds: Callable[[xr.Dataset], Any] | None = None
    one_sample_a_file: bool = False
    leaves_out: str = ""
    read_field: Callable[[Path], xr.DataArray | xr.Dataset] | None = None
    folders: bool = False
    rounding: float = 0.0


class Formats:
    """An immutable registry of formats.

    Parameters
    ----------
    formats : sequence of Format
        A suffix or a name that two different formats claim raises FormatError.
    """

    __slots__ = ("_formats",)

    def __init__(self, formats: Sequence[Format]) -> None:
        claimed: dict[str, Format] = {}
        for entry in formats:
            for key in (entry.name, *entry.suffixes):
                if claimed.setdefault(key, entry) != entry:
                    raise FormatError(f"{key!r} is claimed by two formats, {claimed[key].name} and {entry.name}")
        self._formats = tuple(dict.fromkeys(formats))

    def __iter__(self) -> Iterator[Format]:
        return iter(self._formats)

    def __len__(self) -> int:
        return len(self._formats)

    def __repr__(self) -> str:
        return f"Formats({', '.join(entry.name for entry in self._formats)})"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Every suffix known, in the order of registration."""
        return tuple(suffix for entry in self._formats for suffix in entry.suffixes)

    def for_path(self, path: str | Path) -> Format:
        """Return the format whose suffix ends the file name; the longest wins (``.jetnet.h5`` before ``.h5``).

        Raises
        ------
        FormatError
            Where no suffix fits; names the suffix, the known ones and the nearest.
        """
        name = Path(path).name
        fitting = [suffix for suffix in self.suffixes if name.lower().endswith(suffix)]
        if fitting:
            longest = max(fitting, key=len)
            return next(entry for entry in self._formats if longest in entry.suffixes)
        suffix = Path(path).suffix or "no suffix"
        nearest = difflib.get_close_matches(suffix.lower(), self.suffixes, n=1, cutoff=0.4)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise FormatError(f"{name}: unknown file suffix ({suffix}); known: {', '.join(self.suffixes)}{hint}")

    def named(self, name: str) -> Format:
        """Return the format of that name.

        Raises
        ------
        FormatError
            Where no format has it; names the known ones and the nearest.
        """
        names = [entry.name for entry in self._formats]
        if name in names:
            return self._formats[names.index(name)]
        nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise FormatError(f"unknown format {name!r}; known: {', '.join(names)}{hint}")


def named_errors(path: Path, read: Callable[[Path], Iterator[xr.Dataset]], expected: str) -> Iterator[xr.Dataset]:
    """The blocks that `read` yields of a file; whatever it raises becomes one line that names the file.

    Libraries raise many kinds of errors on damaged files, and readers of other packages know nothing of ours.

    Parameters
    ----------
    path : Path
    read : callable
    expected : str
        What the file should have been.

    Raises
    ------
    FileFormatError
        The file does not read.
    """
    try:
        yield from read(path)
    except FileFormatError as error:
        if str(path) in str(error):
            raise
        raise error.reworded(f"{path}: {error}") from None
    except (SurrogatesError, MemoryError, GeneratorExit):
        raise
    except Exception as error:
        reason = (" ".join(str(error).split()) or type(error).__name__)[:300]
        raise FileFormatError(f"{path}: expected {expected}; {reason}") from None


def missing_library(library: str, extra: str, what: str) -> FormatError:
    """Return the error that says which optional dependency group to install."""
    return FormatError(f"{what} needs {library}, which is not installed: pip install 'surrogates[{extra}]'")
