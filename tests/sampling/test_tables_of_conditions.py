"""Conditions come as a dict, a DataFrame or an astropy table too, and a table's other columns along with them."""

import numpy as np
import pytest

pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
pytest.importorskip("pandas")

import pandas
from astropy import units
from astropy.table import QTable

import surrogates
from surrogates.cli.entry import run
from surrogates.contract.errors import SchemaError
from surrogates.sampling.files import read_whole

NAME = "muon-decay"
ROWS = {"muon_momentum": [1.0, 2.0, 3.0], "polarisation": [-1.0, 0.0, 1.0]}


@pytest.fixture(scope="module")
def surrogate():
    return surrogates.load(NAME)


@pytest.mark.parametrize(
    "given",
    [
        ROWS,
        pandas.DataFrame(ROWS),
        pandas.DataFrame({**ROWS, "run": ["a", "b", "c"], "weight": [0.5, 1.0, 1.5]}, index=[7, 8, 9]),
        pandas.DataFrame({"muon_momentum [MeV]": [1000.0, 2000.0, 3000.0], "polarisation": ROWS["polarisation"]}),
        QTable({"muon_momentum": [1.0, 2.0, 3.0] * units.GeV, "polarisation": ROWS["polarisation"]}),
        {"muon_momentum": ["1 GeV", "2 GeV", "3000 MeV"], "polarisation": np.array(ROWS["polarisation"])},
    ],
    ids=["dict", "DataFrame", "other columns", "units in the header", "astropy", "text"],
)
def test_rows_are_rows_however_they_are_given(surrogate, given):
    wanted = surrogate.sample(3, seed=1, **{name: np.array(values) for name, values in ROWS.items()})
    found = surrogate.sample(given, seed=1)
    for name in wanted.data_vars:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6)


def test_one_value_stands_for_all_rows(surrogate):
    found = surrogate.sample({"muon_momentum": [1.0, 2.0], "polarisation": 0.5}, seed=1)
    assert found["polarisation"].values.tolist() == [0.5, 0.5]


def test_a_misspelt_column_is_not_left_out_in_silence(surrogate):
    with pytest.raises(SchemaError, match="polarization.*did you mean 'polarisation'"):
        surrogate.sample({"muon_momentum": [1.0], "polarization": [0.5]}, seed=1)
    with pytest.raises(SchemaError, match="columns of several lengths"):
        surrogate.sample({"muon_momentum": [1.0, 2.0], "polarisation": [0.5, 0.1, 0.2]}, seed=1)


@pytest.mark.parametrize("out", ["kept.nc", "kept.h5", "kept/"])
def test_other_columns_of_a_table_come_along(tmp_path, out):
    table = tmp_path / "runs.csv"
    table.write_text("muon_momentum [GeV],run,weight,n\n1,12,0.5,2\n2,13,1.5,1\n")
    command = ["generate", NAME, "--conditions", str(table), "-o", f"{tmp_path}/{out}"]
    assert run([*command, "--keep", "run,weight"]) == 0
    found = read_whole(tmp_path / out)
    assert found["run"].values.tolist() == [12, 12, 13] and found["weight"].values.tolist() == [0.5, 0.5, 1.5]


def test_without_keep_the_error_says_how(tmp_path, capsys):
    table = tmp_path / "runs.csv"
    table.write_text("muon_momentum [GeV],run\n1,12\n")
    command = ["generate", NAME, "--conditions", str(table), "-o", f"{tmp_path}/no.nc"]
    assert run(command) == 2
    assert "--keep run passes it through" in capsys.readouterr().err
    assert run([*command, "--keep", "positron_energy"]) == 2
    assert "--keep positron_energy: the column is a condition or an output" in capsys.readouterr().err
