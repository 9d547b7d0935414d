"""Damaged and foreign files of every kind end a command with one line that names the file, and exit code 2."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest

from surrogates.cli.entry import run

SMILES = "CCO ethanol\nc1ccccc1 benzene\n" * 50


def gzipped(path: Path, text: str, spoil) -> None:
    path.write_bytes(spoil(gzip.compress(text.encode(), mtime=0)))


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 0x10
    return bytes(changed)


def list_column(path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"smiles": ["CCO", "C"], "log_p": [[1.0, 2.0], [3.0]]}), path)


DAMAGED = {
    "cut.smi.gz": lambda path: gzipped(path, SMILES, cut),
    "flipped.smi.gz": lambda path: gzipped(path, SMILES, flipped),
    "text.smi.gz": lambda path: path.write_text("CCO"),
    "bytes.smi": lambda path: path.write_bytes(b"CCO\n\xff\xfe\n"),
    "cut.hepmc3.gz": lambda path: gzipped(path, "HepMC::Version 3\nHepMC::Asciiv3-START_EVENT_LISTING\n", cut),
    "record.sdf": lambda path: path.write_text("\n\n\n  9  9  0  0\nnonsense\n$$$$\n"),
    "list.parquet": list_column,
    "text.parquet": lambda path: path.write_text("PAR1 no table PAR1"),
    "text.fits": lambda path: path.write_text("SIMPLE  =                    T"),
    "text.root": lambda path: path.write_bytes(b"root" + bytes(400)),
    "text.nc": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500)),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("command", ["convert", "verify"])
def test_a_damaged_file_is_one_line_that_names_it(tmp_path, capsys, name, command):
    path = tmp_path / name
    DAMAGED[name](path)
    plugin = {".smi": "molecules", ".sdf": "molecules", ".parquet": "molecules", ".fits": "galaxy-images"}
    named = next((found for suffix, found in plugin.items() if suffix in name), "particle-events")
    extra = [str(tmp_path / "out.nc")] if command == "convert" else []
    code = run([command, str(path), *extra, "--plugin", named])
    found = capsys.readouterr()
    lines = [line for line in (found.out + found.err).splitlines() if name in line]
    assert code == (2 if command == "convert" else 1), found.err
    assert lines and "unexpected" not in found.err
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_file_without_a_digest_is_said_to_have_none(tmp_path, capsys):
    ours, foreign = tmp_path / "ours.nc", tmp_path / "foreign.nc"
    assert run(["reference", "muon-decay", "-n", "5", "--muon-momentum", "1", "-o", str(ours)]) == 0
    foreign.write_bytes(ours.read_bytes())
    with h5py.File(foreign, "r+") as file:
        file["polarisation"][0] = np.float64(0.25)
    capsys.readouterr()
    assert run(["verify", str(ours)]) == 0
    assert "no digest" not in capsys.readouterr().out
    assert run(["verify", str(foreign)]) == 0
    assert f"{foreign}: no problem found; it carries no digest" in capsys.readouterr().out


def read_and_end(path: Path) -> None:
    import os

    os.abort()


def test_a_process_that_a_library_ended_is_one_line():
    from surrogates.sampling.workers import ProcessEnded, apart

    with pytest.raises(ProcessEnded, match="the process ended early"):
        apart(read_and_end, Path("a.nc"))
