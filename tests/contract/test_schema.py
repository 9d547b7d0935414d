"""A user's value becomes an array in schema units, or an error of one line that names the variable."""

import json
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from surrogates.contract.errors import PluginError, SchemaError
from surrogates.contract.schema import Coordinate, Dimension, Limit, Schema, Variable, texts
from surrogates.sampling.request import condition_dataset

ENERGY = Variable("energy", "centre-of-mass energy", "GeV", bounds=(10.0, 250.0))
MASS = Variable("mass", "mass", "GeV", optional=True)
RADIATION = Variable("radiation", "radiation off the beams", dtype="int8", categories=("off", "on"), default="on")
CHANNEL = Variable("channel", "decay channel", dtype="int16", categories=("pi nu", "e nu nu"), optional=True)
SCHEMA = Schema((ENERGY, RADIATION, CHANNEL))


@pytest.mark.parametrize(
    "value",
    [91.2, "91.2", "91.2 GeV", "91.2GeV", "91200 MeV", "9.12e1 GeV", 0.0912 * u.TeV, np.float32(91.2), np.array(91.2)],
)
def test_one_energy_in_every_spelling(value):
    assert ENERGY.convert(value) == pytest.approx(91.2, rel=1e-7)


@pytest.mark.parametrize(
    "values",
    [[10.6, 91.2], ("10.6 GeV", "0.0912 TeV"), [10.6 * u.GeV, 91200 * u.MeV], np.array([10.6, 91.2]) * u.GeV],
)
def test_arrays_in_every_spelling(values):
    np.testing.assert_allclose(ENERGY.convert(values), [10.6, 91.2], rtol=1e-12)


def test_a_data_array_brings_its_own_units():
    values = xr.DataArray([10600.0], dims="sample", attrs={"units": "MeV"})
    np.testing.assert_allclose(ENERGY.convert(values), [10.6])


@given(st.floats(10, 250), st.sampled_from(["eV", "keV", "MeV", "GeV", "TeV", "J"]))
def test_units_never_change_the_quantity(value, unit):
    quantity = (value * u.GeV).to(u.Unit(unit))
    assert ENERGY.convert(f"{float(quantity.value)!r} {unit}") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("3 m", "length"),
        (3 * u.s, "time"),
        ("3 GeVV", "unit 'GeVV' is unknown"),
        ("much", "'much' is not a number"),
        ("", "not a number"),
    ],
)
def test_an_unreadable_energy_is_named(value, said):
    with pytest.raises(SchemaError, match=f"^energy: .*{said}.*expected") as error:
        ENERGY.convert(value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 9.99, 250.01])
def test_what_is_not_finite_or_out_of_range_is_refused(value):
    with pytest.raises(SchemaError, match="^energy: .*expected 10 to 250 GeV"):
        ENERGY.check(np.array([91.2, value]))


def test_bounds_are_inclusive():
    edges = np.array([10.0, 250.0])
    ENERGY.check(edges)
    assert not ENERGY.outside(edges).any() and ENERGY.outside(edges + [-0.01, 0.01]).all()


def test_nan_means_not_asked_only_where_optional():
    MASS.check(np.array([np.nan, 1.0]))
    with pytest.raises(SchemaError, match="^mass: inf"):
        MASS.check(np.array([np.inf]))


@pytest.mark.parametrize(
    ("value", "code"), [("off", 0), ("on", 1), (1, 1), (True, 1), (False, 0), ("yes", 1), ("no", 0)]
)
def test_labels_become_codes(value, code):
    assert RADIATION.convert(value) == code


def test_labels_may_have_spaces_and_be_left_out():
    np.testing.assert_array_equal(CHANNEL.convert(["pi nu", "", "e nu nu"]), [0, -1, 1])


@pytest.mark.parametrize("value", ["onn", 2, -1, 0.5])
def test_an_unknown_category_is_named(value):
    with pytest.raises(SchemaError, match="^radiation: .*expected one of off, on"):
        RADIATION.convert(value)


def test_a_misspelt_label_suggests_the_nearest():
    with pytest.raises(SchemaError, match="did you mean 'pi nu'"):
        CHANNEL.convert("pi mu")


def test_another_coding_is_translated_by_its_meanings():
    coded = xr.DataArray(np.array([0, 1]), dims="sample", attrs={"flag_meanings": "on off"})
    np.testing.assert_array_equal(RADIATION.convert(coded), [1, 0])


def test_conditions_by_name_fill_defaults_and_leave_options_out():
    conditions = condition_dataset(SCHEMA, n=2, energy="91.2 GeV")
    assert list(conditions.data_vars) == ["energy", "radiation", "channel"]
    np.testing.assert_array_equal(conditions["radiation"], [1, 1])
    np.testing.assert_array_equal(conditions["channel"], [-1, -1])
    assert conditions["energy"].attrs == {"units": "GeV", "long_name": "centre-of-mass energy"}


def test_conditions_as_rows_keep_their_identities():
    rows = xr.Dataset({"energy": ("sample", [20.0, 30.0])}, coords={"sample": [7, 3]})
    np.testing.assert_array_equal(condition_dataset(SCHEMA, rows)["sample"], [7, 3])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"n": 1}, "^energy: missing condition"),
        ({"n": 1, "energy": 91.2, "enrgy": 1}, "^enrgy: unknown condition.*did you mean 'energy'"),
        ({"n": -1, "energy": 91.2}, "^n: -1"),
        ({"energy": 91.2}, "^n: None is not a number of samples"),
        ({"n": 3, "energy": [91.2, 20.0]}, "^energy: shape"),
    ],
)
def test_wrong_calls_are_named(call, said):
    with pytest.raises(SchemaError, match=said):
        condition_dataset(SCHEMA, **call)


def test_a_limit_names_the_infeasible_row():
    limit = Limit(("a", "b"), lambda v: v["a"] + v["b"] <= 1, "a + b at most 1")
    rows = xr.Dataset({"a": ("sample", [0.2, 0.7]), "b": ("sample", [0.2, 0.6])})
    with pytest.raises(SchemaError, match=r"a = 0.7, b = 0.6: infeasible together; expected a \+ b at most 1"):
        limit.check(rows)
    limit.check(rows.isel(sample=[0]))


def test_a_limit_says_what_the_row_needs_and_names_labels_and_fields():
    rows = condition_dataset(Schema((CHANNEL, replace(MASS, optional=False))), n=2, channel="e nu nu", mass=[1, 7.0])
    limit = Limit(("channel", "mass"), lambda v: v["mass"] < 5, lambda v: f"less than {v['mass'] - 2:g}")
    coded = rows.assign(channel=rows["channel"].assign_attrs(flag_meanings="pi_nu e_nu_nu"))
    with pytest.raises(SchemaError, match=r"^channel = e_nu_nu, mass = 7: infeasible together; expected less than 5"):
        limit.check(coded)
    fields = xr.Dataset({"kernel": (("sample", "y", "x"), np.zeros((1, 3, 2)))})
    with pytest.raises(SchemaError, match=r"^kernel = \(3, 2\) values: infeasible; expected light"):
        Limit(("kernel",), lambda v: v["kernel"].sum(axis=(1, 2)) > 0, "light").check(fields)


def test_a_field_that_is_not_asked_is_missing_and_has_its_size():
    kernel = Variable("kernel", "kernel", dims=("y", "x"), dtype="float32", optional=True)
    schema = Schema((MASS, kernel), (Dimension("y", 3), Dimension("x", 2)))
    rows = condition_dataset(schema, n=4, mass=1.0)
    assert rows["kernel"].shape == (4, 3, 2) and np.isnan(rows["kernel"]).all()
    given = condition_dataset(schema, n=4, kernel=np.ones((3, 2)))["kernel"]
    assert given.shape == (4, 3, 2) and given.dtype == np.float32
    with pytest.raises(SchemaError, match="^kernel: 5 along y; expected 3"):
        condition_dataset(schema, n=4, kernel=np.ones((5, 2)))


def test_a_schema_is_plain_data():
    schema = Schema(
        (ENERGY, CHANNEL, Variable("n", "count", dtype="int64"), Variable("px", "momentum", "GeV", dims=("particle",))),
        (Dimension("particle", size=4, count="n"),),
    )
    assert Schema.from_json(schema.to_json()) == schema


def test_an_axis_with_a_coordinate_carries_it_into_every_dataset_that_has_the_axis():
    place = Coordinate((-45.0, 45.0), "degrees_north", "latitude", "latitude", "Y")
    schema = Schema((MASS, Variable("rain", "rain", dims=("lat",))), (Dimension("lat", 2, coordinate=place),))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    made = schema.dataset({"rain": np.ones((3, 2))})
    assert made["lat"].attrs["axis"] == "Y" and made["rain"].sel(lat=45.0).shape == (3,)
    assert "lat" not in schema.dataset({"mass": np.ones(3)}).coords
    with pytest.raises(PluginError, match="dimension 'lat': 2 coordinates; expected its size, 3"):
        Dimension("lat", 3, coordinate=place)


def test_narrowing_keeps_everything_else():
    narrow = SCHEMA.narrowed({"energy": (20.0, 30.0)})
    assert narrow["energy"].bounds == (20.0, 30.0)
    assert narrow["energy"].long_name == ENERGY.long_name
    assert narrow["channel"] is CHANNEL


def test_undeclared_dimensions_and_twins_are_refused():
    with pytest.raises(PluginError, match="undeclared dimensions"):
        Schema((Variable("px", "momentum", dims=("particle",)),))
    with pytest.raises(PluginError, match="each variable once"):
        Schema((ENERGY, ENERGY))


def test_optional_numbers_say_in_files_that_nan_is_no_fault():
    asked = Variable("size", "size", units="m", optional=True)
    assert np.isnan(asked.attrs()["missing_value"])
    assert "missing_value" not in Variable("size", "size", units="m").attrs()


NAME = Variable("name", "name of the star", dims=("letter",), dtype="uint8", text=True)
STARS = Schema((NAME, MASS), (Dimension("letter", 8),))


@given(st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=127), min_size=1, max_size=8), min_size=1))
def test_text_comes_back_as_it_was_given(names):
    rows = condition_dataset(STARS, n=len(names), name=names)
    assert rows["name"].shape == (len(names), 8) and rows["name"].dtype == np.uint8
    assert texts(rows["name"].values).tolist() == names


@pytest.mark.parametrize(
    "given",
    [
        "Vega",
        ["Vega", "Vega"],
        np.array(["Vega", "Vega"]),
        np.array(["Vega", "Vega"], object),
        np.frombuffer(b"Vega\0\0\0\0", np.uint8),
        np.array([[86, 101, 103, 97]] * 2),
        xr.DataArray(["Vega", "Vega"], dims="sample"),
    ],
)
def test_one_name_in_every_spelling(given):
    assert texts(condition_dataset(STARS, n=2, name=given)["name"].values).tolist() == ["Vega", "Vega"]


def test_text_stands_in_rows_as_strings_or_as_codes():
    asked = xr.Dataset({"name": ("sample", ["Vega", "Mira"])}, coords={"sample": [5, 2]})
    rows = condition_dataset(STARS, asked)
    assert texts(rows["name"].values).tolist() == ["Vega", "Mira"]
    xr.testing.assert_identical(condition_dataset(STARS, rows), rows)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Betelgeuse", r"'Betelgeuse' has 10 characters; expected at most 8"),
        (["Mira", "Betelgeuse"], r"'Betelgeuse' has 10 characters"),
        ("Procy\u00f3n", r"'Procy\u00f3n'; expected text of ASCII characters"),
        (3.5, "3.5; expected text of ASCII"),
        (7, "7; expected text of ASCII"),
        (["Vega", ""], "'' is empty; expected text"),
        ([[300, 2], [1, 2]], "codes 1 to 300; expected ASCII"),
        (["Vega", "Mira", "Deneb"], "shape"),
    ],
)
def test_what_is_no_text_is_named(given, said):
    with pytest.raises(SchemaError, match=f"^name: .*{said}") as error:
        condition_dataset(STARS, n=2, name=given)
    assert "\n" not in str(error.value)


def test_text_that_is_not_asked_is_empty_where_optional():
    schema = Schema((replace(NAME, optional=True), MASS), STARS.dimensions)
    rows = condition_dataset(schema, n=2)
    assert not rows["name"].values.any()
    assert texts(rows["name"].values).tolist() == ["", ""]


def test_a_limit_shows_text_as_text():
    rows = condition_dataset(STARS, n=2, name=["Vega", "Mira"])
    with pytest.raises(SchemaError, match="^name = 'Mira': infeasible; expected a constant star"):
        Limit(("name",), lambda v: texts(v["name"]) != "Mira", "a constant star").check(rows)


def test_text_needs_codes_and_a_dimension():
    for wrong in ({"dims": ()}, {"dtype": "int64"}):
        with pytest.raises(PluginError, match="'name' holds text"):
            replace(NAME, **wrong)
    assert Schema.from_json(STARS.to_json()) == STARS


@pytest.mark.parametrize("suffix", [".nc", ".h5"])
def test_text_survives_files(tmp_path, suffix):
    from surrogates.io import HDF5, NETCDF, concatenate

    rows = condition_dataset(STARS, n=3, name=["Vega", "Mira", "Deneb"], mass=[1.0, 2.0, 3.0])
    kind = NETCDF if suffix == ".nc" else HDF5
    kind.write(iter([rows]), tmp_path / f"stars{suffix}")
    assert kind.read is not None
    again = concatenate(kind.read(tmp_path / f"stars{suffix}"))
    xr.testing.assert_identical(condition_dataset(STARS, again), rows)


def test_text_is_an_option_and_a_column_on_the_command_line(tmp_path):
    from surrogates.cli.conditions import condition_options, read_table

    options = {option.name: option for option in condition_options(STARS)}
    assert options["condition_name"].metavar == "TEXT"
    table = tmp_path / "stars.csv"
    table.write_text("name,mass,n\nVega,2.1,1\nMira,1.2,2\n")
    rows = read_table(table, STARS, {}, each=1)
    assert texts(rows["name"].values).tolist() == ["Vega", "Mira", "Mira"]
    table.write_text("mass\n2.1\n1.2\n")
    assert texts(read_table(table, STARS, {"name": "Vega"}, each=1)["name"].values).tolist() == ["Vega", "Vega"]
    table.write_text("name\n1\n2\n")
    with pytest.raises(SchemaError, match="column 'name' holds numbers; expected text"):
        read_table(table, STARS, {}, each=1)


def test_samples_are_gathered_into_what_xarray_itself_would_make():
    """The shortcut past xarray's merging leaves nothing out: variables, coordinates, indexes, attributes."""
    from surrogates.contract.schema import gathered, with_values

    axis = xr.Variable(("lat",), np.array([-30.0, 30.0]), {"units": "degrees_north"})
    schema = Schema(
        (Variable("mass", "mass", "GeV"), Variable("tas", "temperature", "K", dims=("lat",))),
        (Dimension("lat", size=2), Dimension("day", size=3)),
    )
    data = schema.labelled({"mass": np.ones(4), "tas": np.arange(8.0).reshape(4, 2)})
    made = gathered(data, np.arange(5, 9), {"seed": 1}, {"lat": axis, "day": axis})
    about = {"long_name": "identity of the sample", "units": "1"}
    expected = xr.Dataset(data, {"sample": ("sample", np.arange(5, 9), about), "lat": axis}, {"seed": 1})
    xr.testing.assert_identical(made, expected)
    assert made.indexes["sample"].equals(expected.indexes["sample"]) and set(made.indexes) == {"sample", "lat"}
    xr.testing.assert_identical(made.sel(sample=[6, 8], lat=30.0), expected.sel(sample=[6, 8], lat=30.0))
    changed = with_values(made, {"mass": np.full(4, 2.0)})
    xr.testing.assert_identical(changed, expected.assign(mass=("sample", np.full(4, 2.0), expected["mass"].attrs)))
    assert float(made["mass"][0]) == 1.0
    with pytest.raises(ValueError):
        gathered(data, np.arange(3), {})
