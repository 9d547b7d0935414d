"""Molecules as text: one canonical SMILES a line, and as 3-D structures in an SD file.

SD files: Dalby et al. 1992, J. Chem. Inf. Comput. Sci. 32, 244.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .atomic import byte_stream
from .blocks import SAMPLE
from .formats import FileFormatError, Format, FormatError, missing_library

if TYPE_CHECKING:
    import xarray as xr

_BLOCK = 10_000
NAME = "name"
"""Variable that is a molecule's title in a file of SMILES."""
_DIGEST = "record_sha256"
_END = b"$$$$\n"


def rdkit_for(what: str) -> Any:
    """``rdkit.Chem``; raises FormatError where RDKit is not installed."""
    try:
        from rdkit import Chem
    except ImportError:
        raise missing_library("rdkit", "molecules", what) from None
    return Chem


def texts_of(block: xr.Dataset) -> list[str]:
    """SMILES of a block: its `smiles` (sample, character), ASCII codes, each of `n_characters` or padded with 0.

    Raises
    ------
    FormatError
        There are none.
    """
    if "smiles" not in block:
        raise FormatError("the format holds molecules; the Dataset lacks smiles")
    codes = block["smiles"].values.astype(np.uint8)
    if "n_characters" not in block:
        return [row.tobytes().rstrip(b"\0").decode("ascii", "replace") for row in codes]
    return [
        row[:count].tobytes().decode("ascii", "replace")
        for row, count in zip(codes, block["n_characters"].values, strict=True)
    ]


def block_of(smiles: list[str], length: int, first: int) -> xr.Dataset:
    """A Dataset of SMILES in the layout of `texts_of`, `length` characters wide, numbered from `first`.

    Raises
    ------
    FileFormatError
        A SMILES that is longer, or no ASCII.
    """
    import xarray as xr

    codes = np.zeros((len(smiles), length), dtype=np.int64)
    for row, text in enumerate(smiles):
        if len(text) > length or not text.isascii():
            raise FileFormatError(f"molecule {first + row}: {text[:60]!r} has {len(text)} characters; at most {length}")
        codes[row, : len(text)] = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    count = np.array([len(text) for text in smiles], dtype=np.int64)
    counted = {"units": "1", "long_name": "characters of the SMILES"}
    written = {"units": "1", "long_name": "SMILES, ASCII codes"}
    identity = np.arange(first, first + len(smiles))
    return xr.Dataset(
        {"n_characters": ((SAMPLE,), count, counted), "smiles": ((SAMPLE, "character"), codes, written)},
        {SAMPLE: ((SAMPLE,), identity, {"units": "1", "long_name": "identity of the sample"})},
    )


def parsed(text: str) -> Any | None:
    """RDKit's molecule of a SMILES, None where there is none."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(text) if text else None


def valid_rows(block: xr.Dataset) -> np.ndarray:
    """(n,) bool: molecules that RDKit can sanitise."""
    rdkit_for("telling valid molecules")
    return np.array([parsed(text) is not None for text in texts_of(block)], dtype=bool)


def _warned(left: int, total: int, where: Any) -> None:
    if left:
        warnings.warn(f"{where}: {left} of {total} molecules are not valid and stay out", stacklevel=3)


def further(block: xr.Dataset, known: Iterable[str]) -> list[str]:
    """Variables over (sample) beside the molecule and what is `known` of it: weights, what was passed through."""
    return [str(name) for name, item in block.data_vars.items() if item.dims == (SAMPLE,) and name not in set(known)]


def words_of(variable: xr.DataArray) -> list[str]:
    """Numbers in full, labels and texts of a variable over (sample); nothing where there is none."""
    values, labels = variable.values.tolist(), str(variable.attrs.get("flag_meanings", "")).split()
    if labels:
        codes = np.asarray(variable.attrs.get("flag_values", np.arange(len(labels)))).ravel().tolist()
        named = {code: label for code, label in zip(codes, labels, strict=True) if code != -1}
        return [named.get(value, "") for value in values]
    return ["" if value != value else value if isinstance(value, str) else repr(value) for value in values]


# SMILES ------------------------------------------------------------------------------------------------------------


def write_smiles(
    blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False, known: Iterable[str] = ()
) -> None:
    """Write RDKit's canonical SMILES, one a line, and its `name` behind it where it has one.

    Molecules that are not valid stay out, and a warning counts them; another names the variables that are lost.

    Parameters
    ----------
    blocks : iterable of Dataset
    target : path
        ``-`` for standard output; ``.gz`` compresses.
    overwrite : bool
        Whether an existing file may be replaced.
    known : iterable of str
        Variables that the format is known to leave out.
    """
    chem = rdkit_for(".smi")
    left = total = 0
    lost: dict[str, None] = {}
    with byte_stream(target, overwrite=overwrite) as stream:
        for block in blocks:
            beside = further(block, (*known, "n_characters"))
            title = next((name for name in beside if name.lower() == NAME), None)
            lost |= dict.fromkeys(name for name in beside if name != title)
            names = words_of(block[title]) if title else [""] * block.sizes[SAMPLE]
            for text, name in zip(texts_of(block), names, strict=True):
                total += 1
                molecule = parsed(text)
                left += molecule is None
                if molecule is not None:
                    line = chem.MolToSmiles(molecule) + (f"\t{' '.join(name.split())}" if name else "")
                    stream.write(f"{line}\n".encode())
    _warned(left, total, target)
    if lost:
        warnings.warn(
            f"{target}: SMILES have no place for {', '.join(lost)}; .sdf, .csv and .nc hold them", stacklevel=2
        )


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    return gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")  # type: ignore[return-value]


def _read_smiles(path: str | Path, length: int) -> Iterator[xr.Dataset]:
    path, first, waiting, named = Path(path), 0, [], False

    def block() -> xr.Dataset:
        made = block_of([smiles for smiles, _ in waiting], length, first)
        names = np.array([" ".join(title) for _, title in waiting], dtype=np.str_)
        return made.assign({NAME: (SAMPLE, names, {"units": "1", "long_name": "name"})}) if named else made

    try:
        with _opened(path) as stream:
            for line in stream:
                words = line.decode("utf-8").split()
                if words:
                    waiting.append((words[0], words[1:]))
                if len(waiting) == _BLOCK:
                    named = named or (not first and any(title for _, title in waiting))
                    yield block()
                    first, waiting = first + len(waiting), []
            named = named or (not first and any(title for _, title in waiting))
            yield block()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: expected SMILES, one a line; {str(error).splitlines()[0]}") from None


def smiles_format(length: int, known: tuple[str, ...] = ()) -> Format:
    """``.smi`` of Datasets whose SMILES are `length` characters wide; see `write_smiles` for what is `known`."""
    return Format(
        name="smiles",
        suffixes=(".smi", ".smi.gz"),
        description="canonical SMILES, one a line; what is not valid stays out",
        write=partial(write_smiles, known=known),
        read=partial(_read_smiles, length=length),
        extra="molecules",
        streams=True,
        holds=valid_rows,
        leaves_out="all but the molecule itself",
    )


# Structures --------------------------------------------------------------------------------------------------------


Embed = Callable[[Any, int], tuple[Any, str]]
"""(RDKit molecule, seed) -> the molecule with hydrogens and coordinates in angstrom, and how its geometry ended."""


def _write_structures(
    embed: Embed, blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False
) -> None:
    """Write an SD file with 3-D coordinates: some forty milliseconds a molecule.

    Each record's data are the plugin's name, its canonical SMILES, its InChIKey, `geometry` (what `embed` says of it),
    every number, label and text that the Dataset has of it, and the SHA-256 of the record before that line. Molecules
    that are not valid stay out; those that cannot be embedded have no coordinates. A warning counts both.
    """
    chem = rdkit_for(".sdf")
    left = total = flat = 0
    with byte_stream(target, overwrite=overwrite) as stream:
        for block in blocks:
            columns = {name: words_of(block[name]) for name in further(block, ("n_characters",))}
            for row, text in enumerate(texts_of(block)):
                total += 1
                molecule = parsed(text)
                if molecule is None:
                    left += 1
                    continue
                identity = int(block[SAMPLE].values[row])
                whole, state = embed(molecule, identity)
                flat += state == "not embedded"
                record = chem.Mol(whole)
                record.SetProp("_Name", str(identity))
                for name, value in {
                    "plugin": str(block.attrs.get("plugin", "")),
                    "smiles": chem.MolToSmiles(molecule),
                    "inchi_key": chem.MolToInchiKey(molecule),
                    "geometry": state,
                    **{name: words[row] for name, words in columns.items()},
                }.items():
                    if value:
                        record.SetProp(name, value)
                stream.write(_with_digest(chem.SDWriter.GetText(record).encode("utf-8")))
    _warned(left, total, target)
    if flat:
        warnings.warn(f"{target}: {flat} of {total} molecules could not be embedded in three dimensions", stacklevel=2)


def _with_digest(record: bytes) -> bytes:
    """A record with the SHA-256 of what it says as its last property."""
    body = record.removesuffix(_END)
    return body + f">  <{_DIGEST}>\n{hashlib.sha256(body).hexdigest()}\n\n".encode() + _END


_LAST = re.compile(rb">  <" + _DIGEST.encode() + rb">[^\n]*\n([^\n]*)\n")


_PROPERTY = re.compile(rb"^>  <([^>\n]+)>", re.MULTILINE)


def survey(path: Path) -> tuple[int, list[int], list[str]]:
    """How many records of an SD file carry a digest, which (from 1) are not what theirs was taken of, and properties.

    Where any carries a digest, a record without is altered too.
    """
    sealed, bare, altered = 0, [], []
    names: dict[str, None] = {}
    for number, record in enumerate(_records(path), start=1):
        names |= dict.fromkeys(name.decode("utf-8", "replace") for name in _PROPERTY.findall(record))
        there = _LAST.search(record)
        if there is None:
            bare.append(number)
            continue
        sealed += 1
        whole = record[there.end() :] == b"\n" + _END
        if not whole or hashlib.sha256(record[: there.start()]).hexdigest().encode() != there[1]:
            altered.append(number)
    return sealed, sorted([*altered, *(bare if sealed else [])]), list(names)


def _records(path: Path) -> Iterator[bytes]:
    """The records of an SD file as they are, the line that ends them included."""
    lines: list[bytes] = []
    with _opened(path) as stream:
        for line in stream:
            lines.append(line)
            if line.startswith(b"$$$$"):
                yield b"".join(lines)
                lines = []
    if b"".join(lines).strip():
        yield b"".join(lines)


_OURS = {"plugin", "smiles", "inchi_key", "geometry", _DIGEST}


def _read_structures(path: str | Path, length: int, known: Mapping[str, Any]) -> Iterator[xr.Dataset]:
    chem, path = rdkit_for(".sdf"), Path(path)
    from rdkit import rdBase

    first, waiting, attrs = 0, [], {}
    sealed, altered, properties = survey(path)
    names = [name for name in properties if name not in _OURS] if sealed else []

    def block() -> xr.Dataset:
        made = block_of([smiles for smiles, _ in waiting], length, first).assign_attrs(attrs)
        return made.assign({name: _column(name, [row.get(name, "") for _, row in waiting], known) for name in names})

    if altered:
        warnings.warn(
            f"{path}: {len(altered)} records are not what their SHA-256 was taken of, first record {altered[0]}: "
            "edited or damaged since",
            stacklevel=2,
        )
    for number, record in enumerate(_records(path), start=1):
        try:
            with rdBase.BlockLogs():
                molecule = next(iter(chem.ForwardSDMolSupplier(io.BytesIO(record))), None)
            said = {name: molecule.GetProp(name) for name in molecule.GetPropNames()} if molecule is not None else {}
        except (ValueError, RuntimeError) as error:  # characters that are no UTF-8, among others
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise FileFormatError(f"{path}: record {number} does not read; {reason}") from None
        if molecule is None:
            raise FileFormatError(f"{path}: record {number} is no molecule that RDKit can sanitise")
        if number == 1:
            attrs = {"plugin": said["plugin"]} if sealed and "plugin" in said else {}
        waiting.append((said.get("smiles") or chem.MolToSmiles(molecule), said))
        if len(waiting) == _BLOCK:
            yield block()
            first, waiting = first + len(waiting), []
    yield block()


def _column(name: str, words: list[str], known: Mapping[str, Any]) -> tuple[str, np.ndarray, dict[str, Any]]:
    """A property of all records as a variable: labels as codes where the variable is known, numbers, else text."""
    attrs = known[name].attrs() if name in known else {"units": "1", "long_name": name}
    labels = known[name].categories if name in known else None
    if labels is not None:
        codes = {label: code for code, label in enumerate(labels)} | {"": -1}
        if all(word in codes for word in words):
            return SAMPLE, np.array([codes[word] for word in words], dtype=known[name].dtype), attrs
    try:
        return SAMPLE, np.array([float(word) if word else np.nan for word in words]), attrs
    except ValueError:
        return SAMPLE, np.array(words, dtype=np.str_), attrs


def structure_format(length: int, embed: Embed, variables: Iterable[Any] = ()) -> Format:
    """``.sdf`` of Datasets whose SMILES are `length` characters wide, with coordinates by `embed`.

    `variables` are those of the plugin's schema, whose labels become codes again.
    """
    known = {variable.name: variable for variable in variables}
    return Format(
        name="sdf",
        suffixes=(".sdf",),
        description="structures with 3-D coordinates (ETKDG, MMFF); what is not valid stays out",
        write=partial(_write_structures, embed),
        read=partial(_read_structures, length=length, known=known),
        extra="molecules",
        streams=True,
        holds=valid_rows,
        leaves_out="all but the molecule itself",
    )
