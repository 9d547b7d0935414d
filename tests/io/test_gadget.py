"""Snapshots in GADGET-4's layout: bit for bit through our reader, and as boxes of particles through others'."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import xarray as xr

from surrogates.io import GADGET, FileFormatError, FormatError, OutputError, concatenate

SIDE = 8


def boxes(n: int, first: int = 0) -> xr.Dataset:
    """Particles near their lattice points, 2 Mpc/h apart."""
    rng = np.random.default_rng([n, first])
    shape = (n, SIDE, SIDE, SIDE, 3)
    axes = ("sample", "x", "y", "z", "component")
    return xr.Dataset(
        {
            "omega_m": ("sample", rng.uniform(0.2, 0.4, n), {"units": "1", "long_name": "matter density"}),
            "redshift": ("sample", rng.uniform(0, 3, n), {"units": "1", "long_name": "redshift"}),
            "displacement": (axes, rng.normal(0, 5, shape).astype("f4"), {"units": "Mpc/h"}),
            "velocity": (axes, rng.normal(0, 300, shape).astype("f4"), {"units": "km s-1"}),
        },
        coords={"sample": np.arange(first, first + n)},
        attrs={"Conventions": "CF-1.12"},
    )


def test_boxes_come_back_bit_for_bit_from_blocks(tmp_path):
    target = tmp_path / "boxes.gadget.h5"
    GADGET.write([boxes(2), boxes(1, 2)], target)
    assert GADGET.read is not None
    found = concatenate(list(GADGET.read(target)))
    assert found.identical(xr.concat([boxes(2), boxes(1, 2)], "sample"))


def test_no_boxes_make_a_valid_file(tmp_path):
    GADGET.write([boxes(0)], tmp_path / "none.gadget.h5")
    assert GADGET.read is not None
    assert concatenate(list(GADGET.read(tmp_path / "none.gadget.h5"))).sizes["sample"] == 0


def test_the_documented_layout_is_there(tmp_path):
    target, made = tmp_path / "box.gadget.h5", boxes(2)
    GADGET.write([made], target)
    redshift, omega_m = float(made["redshift"][0]), float(made["omega_m"][0])
    with h5py.File(target) as file:
        header = file["Header"].attrs
        assert header["BoxSize"] == 2000 * SIDE
        assert header["NumPart_ThisFile"].tolist() == header["NumPart_Total"].tolist() == [0, SIDE**3]
        assert header["Time"] == pytest.approx(1 / (1 + redshift))
        assert file["Parameters"].attrs["Omega0"] == omega_m
        whole = header["MassTable"][1] * SIDE**3
        assert whole == pytest.approx(27.7536627 * omega_m * (2 * SIDE) ** 3)
        places = file["PartType1/Coordinates"][()] / 1e3
        assert places.min() >= 0 and places.max() <= 2 * SIDE
        expected = np.mod(1 + 2 * np.array([3, 0, 7]) + made["displacement"].values[0, 3, 0, 7], 2 * SIDE)
        number = (3 * SIDE + 0) * SIDE + 7
        assert file["PartType1/ParticleIDs"][number] == number + 1
        assert places[number] == pytest.approx(expected, rel=1e-6)
        speeds = file["PartType1/Velocities"][()] / np.sqrt(1 + redshift)
        assert speeds == pytest.approx(made["velocity"].values[0].reshape(-1, 3), rel=1e-5)
        assert file["PartType1"] == file["Boxes/0/PartType1"]
        assert file["Boxes/1/Header"].attrs["Redshift"] == float(made["redshift"][1])


def test_yt_opens_a_box(tmp_path):
    yt = pytest.importorskip("yt")
    yt.set_log_level("error")
    target, made = tmp_path / "box.hdf5", boxes(1)
    GADGET.write([made], target)
    opened = yt.load(str(target))
    assert opened.current_redshift == pytest.approx(float(made["redshift"][0]))
    assert opened.omega_matter == pytest.approx(float(made["omega_m"][0]))
    assert float(opened.domain_width[0].to("Mpccm/h")) == pytest.approx(2 * SIDE)
    everything = opened.all_data()
    assert len(everything["PartType1", "particle_position"]) == SIDE**3
    speed = everything["PartType1", "particle_velocity_x"].to("km/s")
    assert float(speed.std()) == pytest.approx(float(made["velocity"].values[..., 0].std()), rel=1e-4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (boxes(1).drop_vars("velocity"), "lacks velocity"),
        (boxes(1).isel(x=slice(4)), "expected \\(sample, n, n, n, 3\\)"),
        (boxes(1).assign(mesh=(("x",), np.zeros(SIDE))), "mesh"),
    ],
)
def test_what_is_no_box_is_refused_and_nothing_is_written(tmp_path, wrong, message):
    with pytest.raises(FormatError, match=message):
        GADGET.write([wrong], tmp_path / "wrong.gadget.h5")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept(tmp_path):
    target = tmp_path / "box.gadget.h5"
    target.write_text("mine")
    with pytest.raises(OutputError):
        GADGET.write([boxes(1)], target)
    assert target.read_text() == "mine"


def test_a_snapshot_of_another_program_is_one_line(tmp_path):
    target = tmp_path / "other.gadget.h5"
    with h5py.File(target, "w") as file:
        file.create_group("Header")
    assert GADGET.read is not None
    with pytest.raises(FileFormatError, match="written by surrogates"):
        next(GADGET.read(target))
    target.write_bytes(b"no HDF5")
    with pytest.raises(FileFormatError, match="other.gadget.h5"):
        next(GADGET.read(target))
