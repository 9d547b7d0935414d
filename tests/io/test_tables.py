"""A table of conditions becomes a Dataset with units."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates.io import FileFormatError, FormatError, read_conditions


def table(tmp_path, text: str, name: str = "runs.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_columns_become_variables_with_units(tmp_path):
    text = "energy [GeV],initial_state_radiation, jet_pt (TeV) \n91.2,on,1\n10.58,off,2\n"
    conditions = read_conditions(table(tmp_path, text))
    assert conditions["energy"].values.tolist() == [91.2, 10.58]
    assert conditions["energy"].attrs == {"units": "GeV"}
    assert conditions["initial_state_radiation"].values.tolist() == ["on", "off"]
    assert conditions["jet_pt"].attrs == {"units": "TeV"} and conditions["jet_pt"].dtype == np.int64
    assert conditions["sample"].values.tolist() == [0, 1]


def test_a_sample_column_gives_the_identities(tmp_path):
    conditions = read_conditions(table(tmp_path, "sample\tenergy\n7\t91.2\n3\t10\n", "runs.tsv"))
    assert conditions["sample"].values.tolist() == [7, 3]
    assert list(conditions.data_vars) == ["energy"]


def test_empty_cells_were_not_asked(tmp_path):
    conditions = read_conditions(table(tmp_path, "energy,mode\n,rho\n91.2,\n"))
    assert np.isnan(conditions["energy"].values[0])
    assert conditions["mode"].values.tolist() == ["rho", ""]


def test_a_header_alone_is_a_table_of_no_samples(tmp_path):
    assert read_conditions(table(tmp_path, "energy [GeV]\n")).sizes["sample"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("energy,mode\n91.2\n", "line 2 has 1 cells, the header 2"),
        ("energy,energy\n1,2\n", "two columns are called 'energy'"),
        ("energy,\n1,2\n", "column header ''"),
        ("sample,energy\n1,2\n1,3\n", "should hold integers, each once"),
        ("sample,energy\na,2\n", "should hold integers, each once"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, text, message):
    path = table(tmp_path, text)
    with pytest.raises(FileFormatError, match=message) as error:
        read_conditions(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_bytes_that_are_no_text_are_named(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"energy\n\xff\xfe")
    with pytest.raises(FileFormatError, match="expected a table in UTF-8"):
        read_conditions(tmp_path / "a.csv")


def test_another_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(FormatError, match=r"known: .csv, .tsv, .parquet"):
        read_conditions(tmp_path / "runs.xls")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(FileFormatError, match="does not exist"):
        read_conditions(tmp_path / "runs.csv")
