"""Molecules as users have them: asked on the command line, in libraries of files, in Python, by several processes."""

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra `molecules` is not installed")

import surrogates
from surrogates import registry
from surrogates.cli.entry import run
from surrogates.contract.errors import SchemaError
from surrogates.physics.molecules.simulation import CONVERGED, UNPARSABLE
from surrogates.physics.molecules.text import from_codes
from surrogates.plugins.molecule_properties.plugin import PLUGIN
from surrogates.plugins.molecule_properties.variables import RDKIT
from surrogates.sampling.files import read_whole


def test_molecules_are_asked_on_the_command_line(tmp_path, monkeypatch, capsys):
    pytest.importorskip("tblite", reason="the extra `xtb` is not installed")
    found = [entry for entry in registry.plugins() if entry.name != PLUGIN.name]
    added = registry.Entry(PLUGIN.name, "surrogates.plugins.molecule_properties.plugin:PLUGIN", "surrogates")
    monkeypatch.setattr(registry, "plugins", lambda: (*found, added))
    command = ["reference", PLUGIN.name, "-o", str(tmp_path / "one.nc"), "-n", "2", "--smiles", "C=O"]
    assert run(command) == 0
    table = tmp_path / "library.csv"
    table.write_text("smiles\nCCO\nC1CC\n")
    command = ["reference", PLUGIN.name, "-o", str(tmp_path / "all.h5"), "--conditions", str(table)]
    assert run(command) == 0
    one, whole = read_whole(tmp_path / "one.nc"), read_whole(tmp_path / "all.h5")
    assert from_codes(one["smiles"].values) == ["C=O", "C=O"] and np.isfinite(one["gap"].values).all()
    assert from_codes(whole["smiles"].values) == ["CCO", "C1CC"]
    assert whole["status"].values.tolist() == [CONVERGED, UNPARSABLE]
    capsys.readouterr()
    assert run([*command[:3], str(tmp_path / "no.nc"), "-n", "1", "--smiles", "C" * 200]) != 0
    said = capsys.readouterr().err
    assert "smiles: " in said and "has 200 characters; expected at most 112" in said and "Traceback" not in said


# New users ---------------------------------------------------------------------------------------------------------

LIBRARY = {
    "library.csv": "SMILES,Name,qed\nCCO,ethanol,1\nnotasmiles,nonsense,1\nCC[Br],bromide,1\nC1CC,open,1\n",
    "library.tsv": "Smiles\tname\nCCO\tethanol\nnotasmiles\tnonsense\nCC[Br]\tbromide\nC1CC\topen\n",
    "library.smi": "CCO ethanol\nnotasmiles nonsense\nCC[Br] bromide\nC1CC\topen\n",
}


@pytest.mark.parametrize(("source", "target"), list(zip(LIBRARY, ("a.csv", "a.parquet", "a.sdf"), strict=True)))
def test_a_library_as_users_have_it_goes_in_and_out(source, target, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("surrogates.cli.files.apart", lambda function, *arguments: function(*arguments))
    (tmp_path / source).write_text(LIBRARY[source])
    column = "Name" if source.endswith("csv") else "name"
    command = ["generate", PLUGIN.name, "--conditions", str(tmp_path / source), "--keep", column]
    assert run([*command, "-o", str(tmp_path / target)]) == 0
    said = capsys.readouterr().err
    assert "2 of 4 samples unparsable: 'notasmiles', 'C1CC'" in said
    assert "1 of 4 samples unsupported: 'CC[Br]'" in said
    assert ("qed computed anew; what the table says is left out" in said) == (source == "library.csv")
    found = surrogates.read(tmp_path / target)
    there = [0, 1, 2, 3] if target != "a.sdf" else [0, 2]  # an SD file holds molecules alone, and says so
    assert ("2 of 4 molecules are not valid and stay out" in said) == (target == "a.sdf")
    names = [("ethanol", "nonsense", "bromide", "open")[row] for row in there]
    assert found[column].values.tolist() == names
    smiles = [("CCO", "notasmiles", "CC[Br]" if target != "a.sdf" else "CCBr", "C1CC")[row] for row in there]
    assert surrogates.text(found, "smiles").tolist() == smiles
    for name in RDKIT:
        known = [bool(np.isfinite(value)) for value in found[name].values]
        assert known == [row in (0, 2) for row in there]
    assert found["molecular_weight"].values[0] == pytest.approx(46.069, abs=1e-3)
    labels = PLUGIN.outputs["status"].categories
    assert labels[found["status"].values[-1]] == ("unparsable" if target != "a.sdf" else "unsupported")
    assert run(["verify", str(tmp_path / target)]) == 0


def test_python_warns_of_what_is_no_molecule_and_gives_text():
    import pandas

    frame = pandas.DataFrame({"SMILES": ["OCC", "notasmiles"], "id": [1, 2]})
    with pytest.warns(UserWarning, match="molecule-properties: 1 of 2 samples unparsable: 'notasmiles'"):
        found = surrogates.load(PLUGIN.name).sample(frame, seed=1)
    assert surrogates.text(found, "smiles").tolist() == ["OCC", "notasmiles"]
    made = surrogates.load("molecules").sample(3, seed=1)
    assert surrogates.text(made, "smiles").tolist() == from_codes(made["smiles"].values)
    with pytest.raises(SchemaError, match="^gap: float64 over .sample.; expected codes of characters"):
        surrogates.text(found, "gap")


def test_worker_processes_tell_what_they_met(tmp_path, capsys):
    (tmp_path / "l.smi").write_text("CCO\nnotasmiles\n" * 600)
    command = ["generate", PLUGIN.name, "--conditions", str(tmp_path / "l.smi"), "--part-size", "512"]
    assert run([*command, "--workers", "2", "-o", f"{tmp_path}/parts/"]) == 0
    assert "600 of 1,200 samples unparsable: 'notasmiles', 'notasmiles', 'notasmiles', …" in capsys.readouterr().err


# Figures -----------------------------------------------------------------------------------------------------------
