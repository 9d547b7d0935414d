"""Molecules as text: one canonical SMILES a line, and as 3-D structures in an SD file.

SD files: Dalby et al. 1992, J. Chem. Inf. Comput. Sci. 32, 244.
"""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable, Iterable, Iterator
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


def rdkit_for(what: str) -> Any:
    """``rdkit.Chem``; raises FormatError where RDKit is not installed."""
    try:
        from rdkit import Chem
    except ImportError:
        raise missing_library("rdkit", "molecules", what) from None
    return Chem


def texts_of(block: xr.Dataset) -> list[str]:
    """SMILES of a block: its `smiles` (sample, character), ASCII codes, each of `n_characters`.

    Raises
    ------
    FormatError
        There are none.
    """
    missing = [name for name in ("smiles", "n_characters") if name not in block]
    if missing:
        raise FormatError(f"the format holds molecules; the Dataset lacks {', '.join(missing)}")
    codes = block["smiles"].values.astype(np.uint8)
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


# SMILES ------------------------------------------------------------------------------------------------------------


def write_smiles(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write RDKit's canonical SMILES, one a line; molecules that are not valid stay out, and a warning counts them.

    Parameters
    ----------
    blocks : iterable of Dataset
    target : path
        ``-`` for standard output; ``.gz`` compresses.
    overwrite : bool
        Whether an existing file may be replaced.
    """
    chem = rdkit_for(".smi")
    left = total = 0
    with byte_stream(target, overwrite=overwrite) as stream:
        for block in blocks:
            for text in texts_of(block):
                total += 1
                molecule = parsed(text)
                left += molecule is None
                if molecule is not None:
                    stream.write(f"{chem.MolToSmiles(molecule)}\n".encode("ascii"))
    _warned(left, total, target)


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist or is no file")
    return gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")  # type: ignore[return-value]


def _read_smiles(path: str | Path, length: int) -> Iterator[xr.Dataset]:
    path, first, waiting = Path(path), 0, []
    try:
        with _opened(path) as stream:
            for line in stream:
                words = line.decode("ascii").split()
                if words:
                    waiting.append(words[0])
                if len(waiting) == _BLOCK:
                    yield block_of(waiting, length, first)
                    first, waiting = first + len(waiting), []
            yield block_of(waiting, length, first)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: expected SMILES, one a line; {str(error).splitlines()[0]}") from None


def smiles_format(length: int) -> Format:
    """``.smi`` of Datasets whose SMILES are `length` characters wide."""

    def read(path: Path) -> Iterator[xr.Dataset]:
        """Yield the molecules of a file of SMILES; the first word of each line counts."""
        return _read_smiles(path, length)

    return Format(
        name="smiles",
        suffixes=(".smi", ".smi.gz"),
        description="canonical SMILES, one a line; what is not valid stays out",
        write=write_smiles,
        read=read,
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

    Each record's data are its canonical SMILES, its InChIKey, `geometry` (what `embed` says of it) and every number
    that the Dataset has of it. Molecules that are not valid stay out; those that cannot be embedded have no
    coordinates. A warning counts both.
    """
    chem = rdkit_for(".sdf")
    left = total = flat = 0
    with byte_stream(target, overwrite=overwrite) as stream:
        for block in blocks:
            numbers = [str(name) for name, item in block.data_vars.items() if item.dims == (SAMPLE,)]
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
                    "smiles": chem.MolToSmiles(molecule),
                    "inchi_key": chem.MolToInchiKey(molecule),
                    "geometry": state,
                    **{name: repr(block[name].values[row].item()) for name in numbers if name != "n_characters"},
                }.items():
                    if value != "nan":
                        record.SetProp(name, value)
                stream.write(chem.SDWriter.GetText(record).encode("utf-8"))
    _warned(left, total, target)
    if flat:
        warnings.warn(f"{target}: {flat} of {total} molecules could not be embedded in three dimensions", stacklevel=2)


def _read_structures(path: str | Path, length: int) -> Iterator[xr.Dataset]:
    chem, path = rdkit_for(".sdf"), Path(path)
    first, waiting = 0, []
    with _opened(path) as stream:
        for number, molecule in enumerate(chem.ForwardSDMolSupplier(stream)):
            if molecule is None:
                raise FileFormatError(f"{path}: record {number + 1} is no molecule that RDKit can sanitise")
            named = molecule.HasProp("smiles")
            waiting.append(molecule.GetProp("smiles") if named else chem.MolToSmiles(molecule))
            if len(waiting) == _BLOCK:
                yield block_of(waiting, length, first)
                first, waiting = first + len(waiting), []
    yield block_of(waiting, length, first)


def structure_format(length: int, embed: Embed) -> Format:
    """``.sdf`` of Datasets whose SMILES are `length` characters wide, with coordinates by `embed`."""

    def read(path: Path) -> Iterator[xr.Dataset]:
        """Yield the molecules of an SD file."""
        return _read_structures(path, length)

    return Format(
        name="sdf",
        suffixes=(".sdf",),
        description="structures with 3-D coordinates (ETKDG, MMFF); what is not valid stays out",
        write=partial(_write_structures, embed),
        read=read,
        extra="molecules",
        streams=True,
        holds=valid_rows,
        leaves_out="all but the molecule itself",
    )
