"""Conditions that are fields, and outputs as long as a condition says: at the call, in files, on the command line."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from surrogates.cli.conditions import condition_options, is_field, read_fields, read_table
from surrogates.contract.errors import PluginError, SchemaError
from surrogates.contract.plugin import Plugin
from surrogates.contract.recipe import Recipe
from surrogates.contract.schema import Dimension, Schema, Variable
from surrogates.counting import Counter
from surrogates.io import FileFormatError, FormatError, read_shards
from surrogates.release.cards import Card
from surrogates.sampling.files import read_field
from surrogates.sampling.jobs import Job
from surrogates.sampling.parallel import joined
from surrogates.sampling.reference import ReferenceSimulator
from surrogates.sampling.request import condition_dataset
from surrogates.sampling.runs import write
from surrogates.sampling.surrogate import Surrogate, save_release

CONDITIONS = Schema(
    (
        Variable("sea", "temperature of the sea", "K", dims=("lat", "lon"), bounds=(250.0, 320.0)),
        Variable("land", "land", dims=("lat", "lon"), dtype="int8", categories=("no", "yes"), optional=True),
        Variable("n_days", "number of days", "d", dtype="int64", bounds=(1, 30), default=2),
    ),
    (Dimension("lat", multiple=2), Dimension("lon", size=6)),
)  # fmt: skip
OUTPUTS = Schema(
    (Variable("rain", "rain", "mm", dims=("day", "lat", "lon")), Variable("wind", "wind", "m s-1", dims=("hour",))),
    (*CONDITIONS.dimensions, Dimension("day", length="n_days"), Dimension("hour", length="n_days", scale=24)),
)


class Weather(nn.Module):
    """Rain of the sea's warmth and a draw a day."""

    ships = ("scale",)

    def __init__(self):
        super().__init__()
        self.scale = nn.Linear(1, 1)

    def sample(self, conditions, noise):
        """One map a day."""
        sea, days = conditions["sea"], int(conditions["n_days"][0])
        rain = sea[:, None] - 250.0 + noise.uniform((days, *sea.shape[1:]), "rain")
        return {"rain": rain, "wind": noise.normal((24 * days,), "wind")}


class Plain(nn.Module):
    """A codec that changes no number."""

    def fit(self, pools):
        """Nothing."""

    def encode(self, physical):
        """As it is."""
        return physical

    def decode(self, encoded, conditions):
        """As it is."""
        return encoded


@dataclass(frozen=True)
class Climate:
    """A reference with the warmth of the sea as rain."""

    conditions: Schema = CONDITIONS
    outputs: Schema = OUTPUTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        lengths = self.outputs.lengths(conditions)
        rain = np.repeat(conditions["sea"].values[:, None] - 250.0, lengths["day"], axis=1)
        wind = np.zeros((conditions.sizes["sample"], lengths["hour"]))
        return conditions.merge(OUTPUTS.dataset({"rain": rain, "wind": wind}, conditions["sample"].values))


RECIPE = Recipe(lambda folder: (), lambda codec: Weather(), (), batch_size=4, sample_batch=4)
PLUGIN = Plugin(
    name="weather", conditions=CONDITIONS, outputs=OUTPUTS, codec=Plain, recipes={"plain": RECIPE}, constraints=(),
    measure=lambda samples, truth, training=None: {}, targets={}, figure=lambda *sides: None, reference=Climate
)  # fmt: skip


@pytest.fixture
def weather(tmp_path):
    save_release(Weather(), Plain(), Card("weather", "plain"), tmp_path / "plain.safetensors")
    return Surrogate.open(PLUGIN, folder=tmp_path)


def sea(n: int = 0) -> xr.DataArray:
    """One map, or one a sample."""
    values = 280.0 + np.random.default_rng(n).random((*((n,) * (n > 0)), 4, 6))
    return xr.DataArray(values, dims=(*(("sample",) * (n > 0)), "lat", "lon"), name="sea", attrs={"units": "K"})


def test_one_map_holds_for_all_samples_in_every_spelling(weather):
    field = sea()
    whole = weather.sample(9, seed=1, sea=field.values)
    assert whole["sea"].shape == (9, 4, 6) and (whole["sea"] == field).all()
    for spelled in (
        field,
        field.transpose("lon", "lat"),
        field.expand_dims("time"),
        field.to_dataset(),
        field.values * 1.0,
    ):
        xr.testing.assert_equal(weather.sample(9, seed=1, sea=spelled), whole)
    warmer = xr.DataArray(field.values * 1e3, dims=("lat", "lon"), attrs={"units": "mK"})
    np.testing.assert_allclose(weather.sample(9, seed=1, sea=warmer)["rain"], whole["rain"], rtol=1e-12)
    several = weather.sample(9, seed=1, sea=sea(9).transpose("lat", "lon", "sample"))
    np.testing.assert_array_equal(several["sea"], sea(9))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sea": np.full((3, 6), 280.0)}, r"^sea: 3 along lat; expected a multiple of 2 \(2 or 4\)$"),
        ({"sea": np.full((1, 6), 280.0)}, r"^sea: 1 along lat; expected a multiple of 2 \(2 at the least\)$"),
        ({"sea": np.full((4, 5), 280.0)}, "^sea: 5 along lon; expected 6$"),
        ({"sea": np.full(6, 280.0)}, r"^sea: shape \(6,\) does not fit 3 samples; expected \(3, …\) or one value over"),
        ({"land": np.ones((2, 6), int)}, "^land: 2 along lat; expected 4, as sea says$"),
        ({"n_days": [2, 3, 2]}, "^n_days: 2 and 3 in one call; expected one value for all samples, the length of day;"),
        ({"n_days": 2.5}, "^n_days: 2.5 is not a whole number; expected 1 to 30 d$"),
        ({"n_days": 31}, "^n_days: 31 d is out of range"),
        ({"sea": sea().to_dataset().rename(sea="a").assign(b=sea())}, r"^sea: not among a over \(lat, lon\), b over"),
    ],
)  # fmt: skip
def test_a_field_that_does_not_fit_is_one_line(weather, values, said):
    for simulator in (weather, ReferenceSimulator.open(PLUGIN)):
        with pytest.raises(SchemaError, match=said) as error:
            simulator.sample(3, seed=1, **{"sea": sea(), **values})
        assert "\n" not in str(error.value)
        assert error.value.variable == next(iter(values)) and error.value.expected in str(error.value)


def test_outputs_are_as_long_as_the_call_asks_on_both_sides(weather):
    for simulator in (weather, ReferenceSimulator.open(PLUGIN)):
        found = simulator.sample(5, seed=1, sea=sea(), n_days=7)
        assert found["rain"].shape == (5, 7, 4, 6) and found["wind"].shape == (5, 168)
        assert simulator.sample(5, seed=1, sea=sea())["rain"].shape == (5, 2, 4, 6)
        rows = condition_dataset(CONDITIONS, n=5, sea=sea(), n_days=7)
        xr.testing.assert_equal(simulator.sample(rows, seed=1), found)
        with pytest.raises(SchemaError, match="^n_days: 3 and 7 in one call"):
            simulator.sample(rows.assign(n_days=("sample", [7, 7, 3, 7, 7])), seed=1)
        assert simulator.sample(0, seed=1, sea=sea(), n_days=7).sizes["sample"] == 0


def test_blocks_and_parts_of_a_run_are_those_of_one_call(weather, tmp_path):
    field, asked = sea(), {"seed": 1, "n_days": 3}
    whole = weather.sample(11, sea=field, **asked)
    blocks = list(weather.stream(11, sea=field, block=4, **asked))
    xr.testing.assert_equal(joined(blocks), whole)
    job = Job(PLUGIN, weather, 11, {"sea": field, "n_days": 3}, 1)
    settings = {"format_name": None, "part_size": 4, "compression": None, "overwrite": False, "resume": False}
    write(job, f"{tmp_path}/run/", **settings, progress=Counter("test", 11))
    xr.testing.assert_equal(joined(list(read_shards(tmp_path / "run")))[list(whole)], whole)
    stated = json.loads((tmp_path / "run" / "manifest.json").read_text())["provenance"]["conditions"]
    assert len(stated["sea"]["sha256"]) == 64 and stated["n_days"] == 3
    other = Job(PLUGIN, weather, 11, {"sea": field + 1.0, "n_days": 3}, 1)
    with pytest.raises(Exception, match="conditions"):
        write(other, f"{tmp_path}/run/", **{**settings, "resume": True}, progress=Counter("test", 11))


@pytest.mark.parametrize("suffix", [".nc", ".h5", ".npy"])
@pytest.mark.parametrize("n", [0, 3])
def test_a_field_is_read_from_files_of_others(tmp_path, suffix, n):
    path, field = tmp_path / f"map{suffix}", sea(n)
    if suffix == ".npy":
        np.save(path, field.values)
    else:
        field.rename("sst").to_netcdf(path, engine="h5netcdf", encoding={"sst": {"_FillValue": -999.0}})
    found = read_field(path, CONDITIONS["sea"], PLUGIN)
    np.testing.assert_array_equal(condition_dataset(CONDITIONS, n=n or 2, sea=found)["sea"][: n or 1].squeeze(), field)


def test_packed_maps_are_unpacked(tmp_path):
    packing = {"sea": {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -1}}
    sea().to_netcdf(tmp_path / "map.nc", engine="h5netcdf", encoding=packing)
    np.testing.assert_allclose(read_field(tmp_path / "map.nc", CONDITIONS["sea"]), sea(), atol=0.006)


def test_a_field_of_a_fits_file_has_the_machines_byte_order(tmp_path):
    from astropy.io import fits

    fits.PrimaryHDU(np.arange(24.0, dtype=">f4").reshape(4, 6)).writeto(tmp_path / "map.fits")
    from surrogates.io.fields import read_fits_image

    found = read_fits_image(tmp_path / "map.fits")
    assert found.dtype.isnative and torch.tensor(found.values).shape == (4, 6)
    fits.PrimaryHDU().writeto(tmp_path / "none.fits")
    with pytest.raises(FileFormatError, match="no image in it"):
        read_fits_image(tmp_path / "none.fits")


def test_a_file_that_holds_no_such_field_is_one_line(tmp_path):
    xr.Dataset({"a": ("x", [1.0]), "b": ("x", [2.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    (tmp_path / "torn.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    (tmp_path / "torn.npy").write_bytes(b"\x93NUMPY")
    for name, error, said in (
        ("other.nc", SchemaError, r"^sea: .*other.nc has a over \(x\), b over \(x\); expected one variable over \(lat"),
        ("torn.nc", FileFormatError, "expected an HDF5 or NetCDF-4 file"),
        ("torn.npy", FileFormatError, "expected one array in NumPy's format"),
        ("none.nc", FileFormatError, r"none.nc: no such file; expected sea over \(lat, lon\)"),
        ("map.xyz", FormatError, "unknown file suffix"),
    ):  # fmt: skip
        with pytest.raises(error, match=said) as found:
            read_field(tmp_path / name, CONDITIONS["sea"], PLUGIN)
        assert "\n" not in str(found.value)


def test_a_field_is_an_option_and_a_column_on_the_command_line(tmp_path):
    option, land, days = condition_options(CONDITIONS)
    assert option.opts == ["--sea"] and option.metavar == "FILE" and "(lat, lon)" in str(option.help)
    assert is_field(CONDITIONS["land"]) and not is_field(CONDITIONS["n_days"]) and days.metavar == "NUMBER[d]"
    for number in (1, 2):
        np.save(tmp_path / f"{number}.npy", sea().values + number)
    read = read_fields(PLUGIN, CONDITIONS, {"sea": str(tmp_path / "1.npy"), "n_days": "3"})
    assert read["n_days"] == "3" and read["sea"].shape == (4, 6)
    (tmp_path / "maps.csv").write_text("sea,n\n1.npy,2\n2.npy,1\n")
    rows = read_table(tmp_path / "maps.csv", CONDITIONS, {}, each=1)
    np.testing.assert_array_equal(rows["sea"], np.stack([sea() + 1, sea() + 1, sea() + 2]))


def test_a_dimension_has_one_length(weather):
    with pytest.raises(PluginError, match="size and length both give its length"):
        Dimension("day", size=3, length="n_days")
    with pytest.raises(PluginError, match="a size that is a multiple"):
        Dimension("x", size=10, multiple=4)
    assert Schema.from_json(OUTPUTS.to_json()) == OUTPUTS
