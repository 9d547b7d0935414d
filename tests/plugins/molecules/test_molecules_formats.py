"""Molecules in their native formats: what is kept, left out, counted and read back."""

import csv
import warnings

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from rdkit import Chem

from surrogates.io import FileFormatError, FormatError, Formats
from surrogates.io.smiles import valid_rows
from surrogates.physics.molecules.geometry import embedded
from surrogates.plugins.molecules.drawing import save_grid, to_rdkit
from surrogates.plugins.molecules.formats import FORMATS
from surrogates.plugins.molecules.library import to_dataset
from surrogates.plugins.molecules.measure import texts

SMILES, TABLE, STRUCTURES, PARQUET = FORMATS
WRITTEN = ["OCC", "C1CC", "c1ccccc1C", "C(C)(C)(C)(C)C", "[NH3+]CC([O-])=O"]
CANONICAL = ["CCO", "Cc1ccccc1", "[NH3+]CC(=O)[O-]"]


@pytest.fixture
def samples():
    asked = {"qed": np.array([0.4, 0.5, np.nan, 0.1, 0.2]), "molecular_weight": np.full(5, 90.5)}
    return to_dataset(WRITTEN, asked, np.arange(7, 12), seed=3)


def test_smiles_are_canonical_and_what_is_not_valid_is_counted(samples, tmp_path):
    path = tmp_path / "samples.smi"
    with pytest.warns(UserWarning, match="2 of 5 molecules are not valid and stay out"):
        SMILES.write(iter([samples]), path)
    assert path.read_text().split() == CANONICAL
    (again,) = SMILES.read(path)
    assert texts(again) == CANONICAL
    assert valid_rows(samples).tolist() == [True, False, True, False, True]


def test_a_compressed_file_of_smiles_reads_back(samples, tmp_path):
    path = tmp_path / "samples.smi.gz"
    SMILES.write(iter([samples.isel(sample=[0, 2])]), path)
    assert texts(next(iter(SMILES.read(path)))) == CANONICAL[:2]


def test_a_table_keeps_every_row_with_its_reason_and_identities(samples, tmp_path):
    path = tmp_path / "samples.csv"
    TABLE.write(iter([samples]), path)
    rows = list(csv.DictReader(path.open()))
    assert [row["sample"] for row in rows] == ["7", "8", "9", "10", "11"]
    assert {row["seed"] for row in rows} == {"3"}
    assert [row["smiles"] for row in rows] == ["CCO", "C1CC", "Cc1ccccc1", "C(C)(C)(C)(C)C", "[NH3+]CC(=O)[O-]"]
    assert [row["reason"] for row in rows] == ["", "syntax", "", "AtomValenceException", ""]
    assert rows[0]["inchi"] == "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"
    assert rows[0]["inchi_key"] == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"
    assert rows[0]["qed"] == "0.4" and rows[2]["qed"] == "" and rows[0]["gap [eV]"] == ""
    assert float(rows[0]["found_molecular_weight [g/mol]"]) == pytest.approx(46.07, abs=0.01)
    assert rows[1]["found_qed"] == ""
    (again,) = TABLE.read(path)
    np.testing.assert_array_equal(again["qed"].values, samples["qed"].values)
    assert again["sample"].values.tolist() == [7, 8, 9, 10, 11]
    assert texts(again)[1] == "C1CC"


def test_parquet_holds_the_table_with_numbers_as_numbers_in_a_group_a_block(samples, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'parquet' is not installed")
    path = tmp_path / "samples.parquet"
    PARQUET.write(iter([samples.isel(sample=slice(0, 2)), samples.isel(sample=slice(2, 5))]), path)
    TABLE.write(iter([samples]), tmp_path / "samples.csv")
    file = parquet.ParquetFile(path)
    assert file.num_row_groups == 2
    rows = file.read().to_pylist()
    written = list(csv.DictReader((tmp_path / "samples.csv").open()))
    assert [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows] == written
    assert rows[0]["sample"] == 7 and rows[0]["seed"] == 3 and rows[0]["qed"] == 0.4 and rows[2]["qed"] is None
    (again,) = PARQUET.read(path)
    (table,) = TABLE.read(tmp_path / "samples.csv")
    assert again.equals(table) and again["sample"].values.tolist() == [7, 8, 9, 10, 11]
    PARQUET.write(iter([samples.isel(sample=[])]), tmp_path / "none.parquet")
    assert next(iter(PARQUET.read(tmp_path / "none.parquet"))).sizes["sample"] == 0


def test_a_failed_parquet_file_leaves_nothing_behind(samples, tmp_path):
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    with pytest.raises(FormatError, match="seed: .* takes more than 64 bits; write .csv"):
        PARQUET.write(iter([samples, samples.assign_attrs(seed=1 << 70)]), tmp_path / "samples.parquet")
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow_is_one_clear_line(samples, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FormatError, match=r"^.parquet needs pyarrow, .*: pip install 'surrogates\[parquet\]'$"):
        PARQUET.write(iter([samples]), tmp_path / "samples.parquet")
    assert list(tmp_path.iterdir()) == []


def test_structures_have_coordinates_in_angstrom(samples, tmp_path):
    path = tmp_path / "samples.sdf"
    with pytest.warns(UserWarning, match="2 of 5"):
        STRUCTURES.write(iter([samples]), path)
    records = list(Chem.SDMolSupplier(str(path), removeHs=False))
    assert [record.GetProp("smiles") for record in records] == CANONICAL
    assert [record.GetProp("_Name") for record in records] == ["7", "9", "11"]
    assert records[0].GetProp("geometry") == "optimised"
    assert float(records[0].GetProp("qed")) == 0.4 and not records[1].HasProp("qed")
    place = records[0].GetConformer().GetPositions()
    bonded = [np.linalg.norm(place[b.GetBeginAtomIdx()] - place[b.GetEndAtomIdx()]) for b in records[0].GetBonds()]
    assert 0.9 < min(bonded) and max(bonded) < 1.6
    (again,) = STRUCTURES.read(path)
    assert texts(again) == CANONICAL


def test_a_molecule_that_cannot_be_embedded_is_counted_and_kept(tmp_path):
    impossible = "C1#CC#CC#C1"  # six sp carbons in a ring
    whole, state = embedded(Chem.MolFromSmiles("CC"), 1)
    assert state == "optimised" and whole.GetNumConformers() == 1
    one = to_dataset([impossible], {})
    path = tmp_path / "one.sdf"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        STRUCTURES.write(iter([one]), path)
    (record,) = Chem.SDMolSupplier(str(path), sanitize=False)
    failed = record.GetProp("geometry") == "not embedded"
    assert failed == any("could not be embedded" in str(item.message) for item in caught)
    assert record.GetProp("smiles") == Chem.CanonSmiles(impossible)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_what_holds_no_molecules_is_refused(kind, samples, tmp_path):
    if kind is PARQUET:
        pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    with pytest.raises(FormatError, match="lacks smiles"):
        kind.write(iter([samples.drop_vars("smiles")]), tmp_path / f"x{kind.suffixes[0]}")
    assert not (tmp_path / f"x{kind.suffixes[0]}").exists()


def test_foreign_files_are_refused(tmp_path):
    for kind, name, content in (
        (SMILES, "a.smi", "C" * 200),
        (TABLE, "a.csv", "name,mass\nx,1\n"),
        (STRUCTURES, "a.sdf", "nothing\n$$$$\n"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(FileFormatError):
            list(kind.read(tmp_path / name))
    with pytest.raises(FileFormatError, match="does not exist"):
        list(SMILES.read(tmp_path / "none.smi"))
    assert Formats(FORMATS).for_path("samples.smi.gz") is SMILES


def test_rdkit_molecules_carry_what_was_asked(samples):
    molecules = to_rdkit(samples)
    assert [molecule is None for molecule in molecules] == [False, True, False, True, False]
    assert molecules[0].GetDoubleProp("asked_qed") == 0.4 and molecules[0].GetProp("_Name") == "7"
    assert not molecules[2].HasProp("asked_qed") and not molecules[0].HasProp("asked_gap")


def test_grids_are_pictures_of_the_valid_molecules(samples, tmp_path):
    from PIL import Image

    from surrogates.contract.errors import SurrogatesError

    save_grid(samples, tmp_path / "grid.png", columns=2, side=100)
    assert Image.open(tmp_path / "grid.png").size == (200, 200)  # three molecules in two columns
    save_grid(samples, tmp_path / "grid.svg")
    assert (tmp_path / "grid.svg").read_text().lstrip().startswith("<?xml")
    with pytest.raises(SurrogatesError, match="expected .png or .svg"):
        save_grid(samples, tmp_path / "grid.pdf")
    with pytest.raises(SurrogatesError, match="none of the first 2 molecules is valid"):
        save_grid(samples.isel(sample=[1, 3]), tmp_path / "none.png")
