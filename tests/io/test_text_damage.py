"""Readers of SMILES, tables and SD files meet mutants with one line each, and none of them hangs."""

from __future__ import annotations

import multiprocessing
import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_damage import mutant

from surrogates.io import FileFormatError, Format, concatenate

MUTANTS = {".smi": 400, ".csv": 400, ".sdf": 120, ".parquet": 250}
"""Mutants of a harmless small file: raised errors only, no outside library is made to crash."""


def written(folder: Path, suffix: str) -> tuple[Format, Path]:
    """The format of a suffix, and a file of it without its digests."""
    from surrogates.io.columns import column_formats
    from surrogates.io.smiles import block_of, smiles_format, structure_format
    from surrogates.plugins.molecule_properties.variables import CONDITIONS, OUTPUTS

    def flat(molecule, seed):
        return molecule, "not embedded"

    forms = (smiles_format(112), *column_formats((*CONDITIONS, *OUTPUTS), {"character": 112}),
             structure_format(112, flat, OUTPUTS))  # fmt: skip
    form = next(entry for entry in forms if suffix in entry.suffixes)
    smiles = ["CCO", "c1ccccc1O", "C[C@H](N)C(=O)O", "[Na+].[Cl-]", "FS(F)(F)(F)(F)F"]
    block = block_of(smiles, 112, 0).assign(name=("sample", ["a", "b b", "", "d", "e"]), weight=("sample", np.ones(5)))
    if suffix in (".csv", ".parquet"):
        values = {name: np.linspace(0.1, 0.9, 5) for name in OUTPUTS.names}
        values |= {"status": np.arange(5), "stereochemistry": np.zeros(5, dtype=int)}
        asked = CONDITIONS.dataset({"smiles": block["smiles"].values.astype(np.uint8)})
        block = asked.merge(OUTPUTS.dataset(values)).assign(name=block["name"])
    path = folder / f"a{suffix}"
    form.write([block], path)
    content = re.sub(rb">  <record_sha256>\n[^\n]*\n\n", b"", path.read_bytes())
    path.write_bytes(re.sub(rb"\nsurrogates sealed by sha256 [0-9a-f]{64}\n", b"", content))
    return form, path


def read_mutants(folder: Path, suffix: str, number: int, seed: int, results) -> None:
    """Read `number` mutants; report how many gave a Dataset and how many a clean error, or what went wrong."""
    warnings.simplefilter("ignore")
    form, path = written(folder, suffix)
    content, chance = path.read_bytes(), random.Random(seed)
    opened = refused = 0
    for i in range(number):
        path.write_bytes(mutant(content, chance))
        try:
            assert form.read is not None
            assert "sample" in concatenate(form.read(path)).dims
            opened += 1
        except FileFormatError as error:
            assert str(path) in str(error) and "\n" not in str(error), f"mutant {i}: {error!r}"
            refused += 1
        except BaseException as error:
            results.put(f"mutant {i}: {error!r}: {path.read_bytes()[:400]!r}")
            return
    results.put((opened, refused))


@pytest.mark.parametrize("suffix", MUTANTS)
def test_mutants_open_or_are_refused_in_one_line(suffix, tmp_path):
    """In a process of its own, so that a crash or a hang of a library counts as a failure too."""
    pytest.importorskip("rdkit")
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    context = multiprocessing.get_context("spawn" if suffix == ".parquet" else "fork")  # Arrow has threads
    results = context.SimpleQueue()
    process = context.Process(target=read_mutants, args=(tmp_path, suffix, MUTANTS[suffix], 20261129, results))
    process.start()
    process.join(180)
    hung = process.is_alive()
    process.kill()
    assert not hung
    outcome = results.get() if not results.empty() else f"the process ended with {process.exitcode}"
    assert not isinstance(outcome, str), outcome
    assert sum(outcome) == MUTANTS[suffix]
    assert outcome[1] > 0  # some were refused, and the rest opened
