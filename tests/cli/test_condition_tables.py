"""Tables of conditions on the command line: identities are kept, and a bad cell is named by file, line and column."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import xarray as xr

from surrogates.cli.entry import run
from surrogates.io import NETCDF, concatenate

REFERENCE = ("reference", "muon-decay")


def made(tmp_path, *arguments: str) -> xr.Dataset:
    target = tmp_path / "made.nc"
    assert run([*REFERENCE, *arguments, "-o", str(target), "--overwrite"]) == 0
    return concatenate(NETCDF.read(target))


def refused(capsys, tmp_path, *arguments: str) -> str:
    assert run([*REFERENCE, *arguments, "-o", str(tmp_path / "no.nc")]) == 2
    assert not (tmp_path / "no.nc").exists()
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1
    return lines[0]


def table(tmp_path, text: str) -> str:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return str(path)


def test_the_identities_of_a_table_are_kept(tmp_path):
    alone = made(tmp_path, "-n", "1", "--first", "70", "--muon-momentum", "2", "--seed", "3")
    rows = made(tmp_path, "--conditions", table(tmp_path, "sample,muon_momentum\n7,1\n70,2\n"), "--seed", "3")
    assert rows["sample"].values.tolist() == [7, 70]
    np.testing.assert_array_equal(rows["positron_energy"].values[1], alone["positron_energy"].values[0])


@pytest.mark.parametrize("extra", [("--first", "5"), ("-n", "3")])
def test_identities_and_numbers_of_samples_are_not_both_taken(capsys, tmp_path, extra):
    path = table(tmp_path, "sample,muon_momentum\n7,1\n70,2\n")
    assert "gives each row the identity of one sample" in refused(capsys, tmp_path, "--conditions", path, *extra)


def test_the_first_identity_holds_with_a_table_and_with_the_prior(tmp_path):
    path = table(tmp_path, "muon_momentum,n\n1,2\n2,1\n")
    assert made(tmp_path, "--conditions", path, "--first", "5")["sample"].values.tolist() == [5, 6, 7]
    assert made(tmp_path, "--prior", "-n", "2", "--first", "5")["sample"].values.tolist() == [5, 6]


@pytest.mark.parametrize("cell", ["fast", "nan", "1 2GeV", "3 m"])
def test_one_bad_cell_is_named_by_file_line_and_column(capsys, tmp_path, cell):
    lines = ["muon_momentum,polarisation", *["1.0,0.5"] * 5000, f"{cell},0.5", *["1.0,0.5"] * 5000]
    message = refused(capsys, tmp_path, "--conditions", table(tmp_path, "\n".join(lines)))
    assert "table.csv, line 5002, column 'muon_momentum': muon_momentum: " in message


def test_a_table_that_asks_for_more_than_memory_holds_is_refused_at_once(capsys, tmp_path):
    path = table(tmp_path, "muon_momentum,n\n1,1000000000000\n")
    assert "1000000000000" in refused(capsys, tmp_path, "--conditions", path)
    assert "1000000000000" in refused(capsys, tmp_path, "--prior", "-n", "1000000000000")


def test_a_packed_file_of_conditions_is_decoded(capsys, tmp_path):
    packed = xr.Dataset({"muon_momentum": ("sample", np.array([912, 455], np.int16))})
    NETCDF.write([packed], tmp_path / "packed.nc")
    with h5py.File(tmp_path / "packed.nc", "r+") as file:
        file["muon_momentum"].attrs["scale_factor"] = 0.005
        file["muon_momentum"].attrs["_FillValue"] = np.int16(-1)
    rows = made(tmp_path, "--conditions", str(tmp_path / "packed.nc"))
    np.testing.assert_allclose(rows["muon_momentum"], [4.56, 2.275])
    with h5py.File(tmp_path / "packed.nc", "r+") as file:
        file["muon_momentum"].attrs["_FillValue"] = np.int16(455)
    message = refused(capsys, tmp_path, "--conditions", str(tmp_path / "packed.nc"))
    assert "packed.nc, row 1, column 'muon_momentum': muon_momentum: nan is not finite" in message


@pytest.mark.parametrize("share", ["²/3", "0/3", "4/3", "a/b", "1"])
def test_a_share_that_is_none_is_refused(capsys, tmp_path, share):
    refused(capsys, tmp_path, "-n", "2", "--muon-momentum", "1", "--shard", share)
