"""Users' files of molecules: read, cleaned, counted, split; and what is refused."""

import gzip
import lzma

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

from surrogates.physics.molecules.descriptors import describe
from surrogates.plugins.molecules.library import (
    Collection,
    LibraryError,
    clean,
    collect,
    described,
    read_library,
    splits,
    to_dataset,
)

ALCOHOLS = ["C" * length + "O" for length in range(1, 61)]


@pytest.fixture
def alcohols(tmp_path):
    path = tmp_path / "alcohols.smi"
    path.write_text("\n".join(f"O{'C' * length} alcohol-{length}" for length in range(1, 61)))
    return path


@pytest.mark.parametrize(
    ("smiles", "expected", "reason", "desalted"),
    [
        ("OCC", "CCO", "", False),
        ("[Na+].CC(=O)[O-]", "CC(=O)[O-]", "", True),
        ("CCO.CCCCN", "CCCCN", "", True),
        ("C(C)(C)(C)(C)C", "", "AtomValenceException", False),
        ("C[Si](C)(C)C", "", "unsupported token [Si]", False),
        ("[13CH4]", "", "unsupported token [13CH4]", False),
        ("C" * 90, "", "too long", False),
        ("", "", "empty", False),
    ],
)
def test_a_molecule_is_made_canonical_or_left_out_with_its_reason(smiles, expected, reason, desalted):
    found = clean(smiles)
    assert (found.smiles, found.reason, found.desalted) == (expected, reason, desalted)


def test_every_kind_of_file_holds_the_same_molecules(tmp_path, alcohols):
    from rdkit import Chem

    expected = tuple(ALCOHOLS)
    assert collect(alcohols) == Collection(expected)
    packed = {".gz": gzip.compress, ".xz": lzma.compress}
    for suffix, compress in packed.items():
        path = tmp_path / f"alcohols.smi{suffix}"
        path.write_bytes(compress(alcohols.read_bytes()))
        assert collect(path).smiles == expected
    table = tmp_path / "alcohols.csv"
    table.write_text("name,SMILES\n" + "".join(f"x,{text}\n" for text in ALCOHOLS))
    assert collect(table).smiles == expected
    structures = tmp_path / "alcohols.sdf"
    with Chem.SDWriter(str(structures)) as writer:
        for text in ALCOHOLS:
            writer.write(Chem.MolFromSmiles(text))
    assert collect(structures).smiles == expected


def test_a_folder_is_read_by_name_and_repeats_count_once(tmp_path):
    (tmp_path / "b.smi").write_text("CCC\nOCC\n")
    (tmp_path / "a.smi").write_text("# alcohols\n\nCCO\n")
    (tmp_path / "notes.txt").write_text("no molecules")
    found = collect(tmp_path)
    assert found.smiles == ("CCO", "CCC")
    assert found.skipped == {"repeated": 1}


def test_few_unreadable_lines_are_named_and_skipped_many_are_an_error(tmp_path, alcohols):
    with alcohols.open("a") as file:
        file.write("\nC1CC nothing\n")
    with pytest.warns(UserWarning, match=r"1 of 61 molecules left out, first alcohols.smi:61 'C1CC' \(syntax\)"):
        assert collect(alcohols).skipped == {"syntax": 1}
    with pytest.raises(LibraryError, match="expected at most 1%: clean the file") as error:
        collect(alcohols, most_skipped=0.01)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.smi", b"", "is empty"),
        ("empty.csv", b"", "is empty"),
        ("names.csv", b"name,mass\nx,1\n", "columns name, mass; expected one called smiles"),
        ("molecules.mol2", b"C\n", "unknown kind .mol2"),
        ("damaged.smi.xz", b"CCO\n", "does not read"),
        ("binary.smi", b"\xff\xfe\x00\n", "does not read"),
    ],
)
def test_files_without_molecules_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LibraryError, match=message):
        collect(path)


def test_a_folder_without_molecules_says_what_to_give(tmp_path):
    with pytest.raises(LibraryError, match="--data"):
        collect(tmp_path)


def test_descriptors_are_kept_and_read_again(tmp_path, alcohols, monkeypatch):
    from surrogates.plugins.molecules import library

    kept = tmp_path / "kept"
    first = read_library(alcohols, kept)
    np.testing.assert_array_equal(first.descriptors, describe(first.smiles))
    calls = []
    monkeypatch.setattr(library, "describe", lambda smiles: calls.append(smiles) or describe(smiles))
    again = read_library(alcohols, kept)
    assert not calls
    np.testing.assert_array_equal(again.descriptors, first.descriptors)
    changed = described([*first.smiles[:-1], "CCN"], kept / "described")
    assert len(calls) == 1  # other molecules: computed anew
    assert not np.array_equal(changed, first.descriptors)


def test_a_damaged_part_is_computed_anew(alcohols, tmp_path):
    first = read_library(alcohols, tmp_path / "kept").descriptors
    part = tmp_path / "kept" / "described" / "part-00000.npz"
    part.write_bytes(part.read_bytes()[:40])
    np.testing.assert_array_equal(read_library(alcohols, tmp_path / "kept").descriptors, first)


def test_splits_share_nothing_and_do_not_depend_on_the_order():
    parts = splits(ALCOHOLS)
    assert {name: len(rows) for name, rows in parts.items()} == {"test": 12, "validation": 1, "training": 47}
    assert sorted(np.concatenate(list(parts.values()))) == list(range(60))
    mixed = [ALCOHOLS[i] for i in np.random.default_rng(1).permutation(60)]
    for name, rows in splits(mixed).items():
        assert {mixed[i] for i in rows} == {ALCOHOLS[i] for i in parts[name]}


def test_properties_that_are_not_known_are_not_asked():
    dataset = to_dataset(["CCO", "c1ccccc1"], {"qed": np.array([0.4, 0.5])}, data_set="two")
    assert dataset["n_characters"].values.tolist() == [3, 8]
    assert np.isnan(dataset["gap"].values).all() and dataset["qed"].values.tolist() == [0.4, 0.5]
    assert dataset.attrs["data_set"] == "two"
