"""Tables of samples and SD files: read by other programs, back as they were, and damage is said."""

import hashlib
import json

import numpy as np
import pytest
import xarray as xr

from surrogates.contract.schema import Dimension, Schema, Variable
from surrogates.io import FileFormatError, FormatError
from surrogates.io.columns import column_formats
from surrogates.io.verification import carries_digest

SCHEMA = Schema(
    (
        Variable("word", "a word", dims=("character",), dtype="uint8", text=True),
        Variable("length", "how long", units="mm", optional=True),
        Variable("count", "how many", dtype="int64"),
        Variable("kind", "which", dtype="int8", categories=("red", "green"), optional=True),
    ),
    (Dimension("character", size=6),),
)
CSV, PARQUET = column_formats(SCHEMA.variables, {"character": 6})


def samples():
    words = np.array([list(text.ljust(6, "\0").encode()) for text in ("ash", "elm", 'a,b"c')], dtype=np.uint8)
    values = {
        "word": words,
        "length": np.array([0.1 + 0.2, np.nan, -1e-300]),
        "count": np.array([3, -(2**62), 0]),
        "kind": np.array([1, -1, 0]),
    }
    weighted = SCHEMA.dataset(values, np.array([7, 8, 2**62]), plugin="trees", seed=3)
    return weighted.assign(weight=("sample", [1.0, -2.5, 0.5]), origin=("sample", ["x", "", "z"]))


@pytest.mark.parametrize(("form", "suffix"), [(CSV, ".csv"), (PARQUET, ".parquet")])
def test_a_table_comes_back_as_it_was(form, suffix, tmp_path):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    whole = samples()
    form.write([whole.isel(sample=slice(0, 2)), whole.isel(sample=slice(2, 3))], tmp_path / f"t{suffix}")
    (again,) = form.read(tmp_path / f"t{suffix}")
    for name in (*SCHEMA.names, "weight", "origin", "sample"):
        np.testing.assert_array_equal(again[name].values, whole[name].values)
        if name in SCHEMA:
            assert again[name].dtype == whole[name].dtype and again[name].attrs.keys() == whole[name].attrs.keys()


def test_a_table_is_read_by_pandas_and_pyarrow(tmp_path):
    pandas, parquet = pytest.importorskip("pandas"), pytest.importorskip("pyarrow.parquet")
    for form in (CSV, PARQUET):
        form.write([samples()], tmp_path / f"t{form.suffixes[0]}")
    for table in (pandas.read_csv(tmp_path / "t.csv"), pandas.read_parquet(tmp_path / "t.parquet")):
        assert list(table.columns) == ["sample", "word", "length [mm]", "count", "kind", "weight", "origin"]
        assert table["word"].tolist() == ["ash", "elm", 'a,b"c'] and table["weight"].tolist() == [1.0, -2.5, 0.5]
        assert table["length [mm]"].isna().tolist() == [False, True, False] and table["kind"][0] == "green"
    stored = parquet.read_table(tmp_path / "t.parquet")
    assert stored.schema.field("count").type == "int64"
    assert json.loads(stored.schema.metadata[b"surrogates_attributes"]) == {"plugin": "trees", "seed": 3}
    stored.slice(1).to_pandas().to_parquet(tmp_path / "again.parquet")
    assert carries_digest(tmp_path / "t.parquet") and not carries_digest(tmp_path / "again.parquet")
    (again,) = PARQUET.read(tmp_path / "again.parquet")
    assert again["count"].values.tolist() == [-(2**62), 0]


def test_no_altered_bit_of_a_sealed_parquet_is_taken(tmp_path):
    pytest.importorskip("pyarrow")
    PARQUET.write([samples()], tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    (truth,) = PARQUET.read(tmp_path / "t.parquet")
    chance, equal = np.random.default_rng(1), 0
    for place in [*chance.integers(0, len(content), 150), *range(len(content) - 10, len(content))]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(chance.integers(8))
        (tmp_path / "d.parquet").write_bytes(damaged)
        try:
            (found,) = PARQUET.read(tmp_path / "d.parquet")
        except FileFormatError as error:
            assert "d.parquet" in str(error)
            continue
        xr.testing.assert_identical(found, truth)
        equal += 1
    assert equal == 0


def test_what_a_table_has_no_place_for_is_refused(tmp_path):
    pictured = samples().assign(image=(("sample", "y", "x"), np.zeros((3, 2, 2))))
    with pytest.raises(FormatError, match=r"^image: over \(sample, y, x\); a table holds one number"):
        CSV.write([pictured], tmp_path / "t.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("altered", "said"),
    [
        (("[mm]", "[m]"), "column 'length' in m; expected mm"),
        (("green", "grey"), "column 'kind': 'grey'; expected one of red, green"),
        (("ash", "ashes and oak"), "in row 0; expected at most 6 ASCII characters"),
        (("word", "ward"), "no column word; expected word, length"),
    ],
)
def test_a_table_that_is_not_the_plugins_is_one_line(altered, said, tmp_path):
    CSV.write([samples()], tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace(*altered))
    with pytest.raises(FileFormatError) as error:
        list(CSV.read(tmp_path / "t.csv"))
    assert said in str(error.value) and "t.csv" in str(error.value)


# SD files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def structures():
    pytest.importorskip("rdkit")
    from surrogates.io.smiles import block_of, structure_format
    from surrogates.physics.molecules.geometry import embedded

    form = structure_format(112, embedded, SCHEMA.variables)
    block = block_of(["CCO", "O", "CC#N"], 112, 5).assign_attrs(plugin="molecules")
    kind = SCHEMA["kind"]
    more = {
        "kind": ("sample", np.array([-1, 1, 0], dtype=np.int8), kind.attrs()),
        "weight": ("sample", [1.0, -2.5, 0.1 + 0.2]),
        "label": ("sample", ["", "b", "c"]),
    }
    return form, block.assign(more)


def test_weights_labels_and_texts_go_into_sd_files_and_back(structures, tmp_path):
    from rdkit import Chem

    form, block = structures
    form.write([block], tmp_path / "m.sdf")
    with open(tmp_path / "m.sdf", "rb") as file:
        theirs = list(Chem.ForwardSDMolSupplier(file))
    assert [m.GetDoubleProp("weight") for m in theirs] == [1.0, -2.5, 0.1 + 0.2]
    assert theirs[1].GetProp("kind") == "green" and not theirs[0].HasProp("kind") and theirs[2].GetProp("label") == "c"
    (again,) = form.read(tmp_path / "m.sdf")
    for name in ("smiles", "n_characters", "kind", "weight", "label"):
        np.testing.assert_array_equal(again[name].values, block[name].values)
    assert again.attrs["plugin"] == "molecules"


def test_each_record_of_an_sd_file_has_a_digest(structures, tmp_path):
    form, block = structures
    path = tmp_path / "m.sdf"
    form.write([block], path)
    content = path.read_bytes()
    first, second, third = (part + b"$$$$\n" for part in content.split(b"$$$$\n")[:3])
    body, _, said = second.partition(b">  <record_sha256>\n")
    assert hashlib.sha256(body).hexdigest().encode() == said.split(b"\n")[0]
    assert carries_digest(path)
    path.write_bytes(third + first)  # as programs that sort, select and join records do
    assert carries_digest(path)
    chance, places = np.random.default_rng(2), []
    for place in chance.integers(0, len(content), 60):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(chance.integers(8))
        path.write_bytes(damaged)
        try:
            assert not carries_digest(path)
            places.append(int(place))
        except FileFormatError as error:
            assert "m.sdf: altered since it was written: record" in str(error)
    assert places == []
    path.write_bytes(content.replace(b"-2.5", b"-3.5"))
    with pytest.warns(UserWarning, match="1 records are not what their SHA-256 was taken of, first record 2"):
        (read,) = form.read(path)
    assert read["weight"].values[1] == -3.5


def test_smiles_keep_names_and_say_what_they_lose(structures, tmp_path):
    from surrogates.io.smiles import smiles_format

    _, block = structures
    form = smiles_format(112, ("kind",))
    named = block.assign(name=("sample", ["ethanol", "", "methyl cyanide"]))
    with pytest.warns(UserWarning, match="m.smi: SMILES have no place for weight, label; .sdf, .csv and .nc hold them"):
        form.write([named], tmp_path / "m.smi")
    assert (tmp_path / "m.smi").read_text() == "CCO\tethanol\nO\nCC#N\tmethyl cyanide\n"
    (again,) = form.read(tmp_path / "m.smi")
    assert again["name"].values.tolist() == ["ethanol", "", "methyl cyanide"]
