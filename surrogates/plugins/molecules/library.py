"""Molecules from users' files: read, cleaned, described by RDKit and split by a hash of their canonical SMILES."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SurrogatesError
from ...counting import Counter as Progress
from ...io.atomic import replacing
from ...io.formats import OutputError
from ...physics.molecules.descriptors import DESCRIPTORS, describe, parse
from ...physics.molecules.text import LENGTH, to_codes
from ...physics.molecules.tokens import split
from ...physics.molecules.vocabulary import TOKENS, VOCABULARY, WRITTEN_OUT
from .variables import CONDITIONS, OUTPUTS, PROPERTIES

if TYPE_CHECKING:
    import xarray as xr

SUFFIXES = (".smi", ".csv", ".sdf")
"""Kinds of file that are read, also with .gz or .xz behind them."""

MOST_SKIPPED = 0.05
"""Share of molecules that may be skipped; more is an error."""

PART = 5000
"""Molecules whose descriptors are kept in one file."""

TEST, VALIDATION = 25_000, 2_000
_NAMED = 5
_KNOWN = frozenset(VOCABULARY)


class LibraryError(SurrogatesError):
    """Molecules that cannot be used; names the file, the line and what was expected."""


@dataclass(frozen=True)
class Collection:
    """Molecules of users' files.

    Attributes
    ----------
    smiles : tuple of str
        Canonical, each once, in the order of the files.
    skipped : mapping
        Reason -> number of molecules left out.
    desalted : int
        Mixtures of which the largest part is kept.
    """

    smiles: tuple[str, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)
    desalted: int = 0


@dataclass(frozen=True)
class Library:
    """Molecules that a model can learn: canonical SMILES and descriptors (n, 5), in the order of `DESCRIPTORS`."""

    smiles: tuple[str, ...]
    descriptors: np.ndarray


@dataclass(frozen=True)
class Cleaned:
    """One molecule of a file: canonical SMILES, or the reason why it is left out."""

    smiles: str
    reason: str = ""
    desalted: bool = False


def clean(smiles: str) -> Cleaned:
    """The canonical SMILES of a molecule that the vocabulary can write.

    Of a salt or a mixture the part with the most heavy atoms is kept (the first of equals). Left out are: what RDKit
    cannot sanitise; elements, charges or isotopes that are no token; more than `TOKENS` - 1 tokens (`WRITTEN_OUT` - 1
    with the double bonds of aromatic rings) or `LENGTH` characters.

    Parameters
    ----------
    smiles : str
    """
    from rdkit import Chem

    parsed = parse(smiles)
    if parsed.molecule is None:
        return Cleaned("", parsed.reason)
    molecule, desalted = parsed.molecule, "." in smiles
    if desalted:
        molecule = max(Chem.GetMolFrags(molecule, asMols=True), key=lambda part: part.GetNumHeavyAtoms())
    text = Chem.MolToSmiles(molecule)
    try:
        tokens = split(text)
    except ValueError:
        return Cleaned("", "unsupported token", desalted)
    foreign = next((token for token in tokens if token not in _KNOWN), None)
    if foreign is not None:
        return Cleaned("", f"unsupported token {foreign}", desalted)
    bonds = sum(token.strip("[")[0].islower() for token in tokens) // 2  # that are written out
    if len(tokens) >= TOKENS or len(text) > LENGTH or len(tokens) + bonds >= WRITTEN_OUT:
        return Cleaned("", "too long", desalted)
    return Cleaned(text, desalted=desalted)


# Files -------------------------------------------------------------------------------------------------------------


def files_of(path: Path) -> tuple[Path, ...]:
    """A file of molecules, or those in a folder by name.

    Raises
    ------
    LibraryError
        There is none.
    """
    if path.is_file():
        _kind(path)
        return (path,)
    found = tuple(sorted(item for item in path.glob("*") if item.is_file() and _suffix(item) in SUFFIXES))
    if not found:
        raise LibraryError(
            f"data: {path} holds no molecules; expected a file or a folder of {', '.join(SUFFIXES)} "
            "(also .gz or .xz), given with --data"
        )
    return found


def _suffix(path: Path) -> str:
    return Path(path.stem).suffix.lower() if path.suffix.lower() in (".gz", ".xz") else path.suffix.lower()


def _kind(path: Path) -> str:
    kind = _suffix(path)
    if kind not in SUFFIXES:
        raise LibraryError(f"data: {path.name} is of unknown kind {kind or '(no suffix)'}; expected {SUFFIXES}")
    return kind


def _opened(path: Path) -> Any:
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower())
    return opener(path, "rb") if opener is not None else open(path, "rb")


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line (or record) number and SMILES of each molecule of a file.

    ``.smi``: the first word of each line that is neither blank nor a comment (#). ``.csv``: the column `smiles`,
    whatever its case. ``.sdf``: each record; one that RDKit cannot read comes as an empty text.

    Raises
    ------
    LibraryError
        A file that is no text, or a table without that column.
    """
    kind = _kind(path)
    try:
        with _opened(path) as stream:
            yield from {".smi": _smi, ".csv": _csv, ".sdf": _sdf}[kind](stream, path)
    except (OSError, EOFError, UnicodeDecodeError, lzma.LZMAError) as error:
        raise LibraryError(f"data: {path} does not read ({str(error).splitlines()[0]})") from None


def _smi(stream: Any, path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(stream, start=1):
        words = line.decode("utf-8").split()
        if words and not words[0].startswith("#") and not (number == 1 and words[0].lower() == "smiles"):
            yield number, words[0]


def _csv(stream: Any, path: Path) -> Iterator[tuple[int, str]]:
    import csv
    import io

    reader = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""))
    header = [name.strip().lower() for name in next(reader, [])]
    if not header:
        return
    if "smiles" not in header:
        raise LibraryError(f"data: {path} has the columns {', '.join(header)}; expected one called smiles")
    column = header.index("smiles")
    for row in reader:
        if row:
            yield reader.line_num, row[column].strip() if column < len(row) else ""


def _sdf(stream: Any, path: Path) -> Iterator[tuple[int, str]]:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        for number, molecule in enumerate(Chem.ForwardSDMolSupplier(stream), start=1):
            yield number, "" if molecule is None else Chem.MolToSmiles(molecule)


# Descriptions ------------------------------------------------------------------------------------------------------


def collect(path: str | Path, *, most_skipped: float = MOST_SKIPPED) -> Collection:
    """Read and clean the molecules of a file or folder.

    Parameters
    ----------
    path : path
    most_skipped : float
        Share of molecules that may be left out; their number is a warning.

    Raises
    ------
    LibraryError
        No molecules, or more left out than allowed; names the first lines and their reasons.
    """
    path = Path(path)
    kept: dict[str, None] = {}
    reasons: Counter[str] = Counter()
    named: list[str] = []
    desalted = repeated = total = 0
    for file in files_of(path):
        for number, text in lines_of(file):
            total += 1
            found = clean(text)
            desalted += found.desalted
            if found.reason:
                reasons[found.reason] += 1
                if len(named) < _NAMED:
                    named.append(f"{file.name}:{number} {text[:60]!r} ({found.reason})")
            elif found.smiles in kept:
                repeated += 1
            else:
                kept[found.smiles] = None
    if not total:
        raise LibraryError(f"data: {path} is empty; expected one molecule or more")
    skipped = sum(reasons.values())
    if skipped:
        told = f"data: {path}: {skipped} of {total} molecules left out, first {', '.join(named)}"
        if skipped > most_skipped * total:
            raise LibraryError(f"{told}; expected at most {most_skipped:.0%}: clean the file")
        warnings.warn(told, stacklevel=2)
    if repeated:
        reasons["repeated"] = repeated
    return Collection(tuple(kept), dict(reasons), desalted)


def read_library(path: str | Path, kept: Path | None = None, *, most_skipped: float = MOST_SKIPPED) -> Library:
    """Read, clean and describe the molecules of a file or folder; see `collect`.

    Descriptors take milliseconds a molecule. They are kept part by part in `described` inside the folder `kept`, so
    that a killed run goes on; without one, or where it cannot be written, nothing is kept.
    """
    smiles = collect(path, most_skipped=most_skipped).smiles
    return Library(smiles, describe(smiles) if kept is None else described(smiles, kept / "described"))


def described(smiles: Sequence[str], folder: Path) -> np.ndarray:
    """Descriptors (n, 5) of canonical SMILES; parts that `folder` holds of the same molecules are read."""
    parts = []
    with Progress("molecules described", len(smiles), shown=len(smiles) > PART) as progress:
        for start in range(0, len(smiles), PART):
            texts = list(smiles[start : start + PART])
            parts.append(_part(texts, folder / f"part-{start // PART:05d}.npz"))
            progress.update(start + len(texts))
    return np.concatenate(parts) if parts else np.zeros((0, len(DESCRIPTORS)))


def _part(smiles: list[str], path: Path) -> np.ndarray:
    identity = hashlib.sha256("\n".join((*DESCRIPTORS, *smiles)).encode()).hexdigest()
    try:
        with np.load(path) as known:
            if str(known["identity"]) == identity:
                return known["descriptors"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        pass
    found = describe(smiles)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, overwrite=True) as partial, partial.open("wb") as file:
            np.savez(file, identity=identity, descriptors=found)
    except (OSError, OutputError):
        pass  # a folder that cannot be written keeps none
    return found


# Splits ------------------------------------------------------------------------------------------------------------


def splits(smiles: Sequence[str]) -> dict[str, np.ndarray]:
    """Positions of the test, validation and training molecules, each in the order given.

    The canonical SMILES are sorted by their BLAKE2b hash of 8 bytes: the first 25,000 (a fifth at most) test, the next
    2,000 (a fiftieth at most) validate, the others train. A molecule's hash knows nothing of its chemistry or of the
    file's order.
    """
    hashes = np.array([hashlib.blake2b(text.encode(), digest_size=8).digest() for text in smiles], dtype="S8")
    order = np.argsort(hashes, kind="stable")
    test = min(TEST, len(smiles) // 5)
    validation = min(VALIDATION, len(smiles) // 50)
    return {
        "test": np.sort(order[:test]),
        "validation": np.sort(order[test : test + validation]),
        "training": np.sort(order[test + validation :]),
    }


def to_dataset(
    smiles: Sequence[str], properties: dict[str, np.ndarray], samples: np.ndarray | None = None, **attrs: Any
) -> xr.Dataset:
    """Conditions and outputs of molecules whose properties are asked as they are.

    Parameters
    ----------
    smiles : sequence of str
    properties : mapping
        Property -> (n,); those that are not there are not asked.
    samples : ndarray, optional
    **attrs
        Attributes of the Dataset.
    """
    unasked = np.full(len(smiles), np.nan)
    asked = CONDITIONS.dataset({name: properties.get(name, unasked) for name in PROPERTIES}, samples)
    codes, count = to_codes(smiles)
    outputs = OUTPUTS.dataset({"n_characters": count, "smiles": codes}, samples)
    return asked.merge(outputs).assign_attrs(attrs)
