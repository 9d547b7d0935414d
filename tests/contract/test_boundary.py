"""Whatever a user passes becomes schema units or one clear line."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import xarray as xr
from astropy import units as u
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from surrogates.contract.errors import SchemaError
from surrogates.contract.schema import Dimension, Schema, Variable
from surrogates.sampling.request import ask, check_seed

ENERGY = Variable("energy", "energy", "GeV", bounds=(10.0, 200.0))
LOG_P = Variable("log_p", "partition coefficient", optional=True, bounds=(-3.0, 8.0))
KIND = Variable("kind", "kind", dtype="int8", categories=("gluon", "top"), optional=True)
DAYS = Variable("n_days", "days", dtype="int64", bounds=(1, 100))
NAME = Variable("name", "name", dims=("character",), dtype="uint8", text=True, optional=True)
FIELD = Variable("field", "field", "K", dims=("y", "x"), optional=True)
EVERY = (ENERGY, LOG_P, KIND, DAYS, NAME, FIELD)
SCHEMA = Schema((ENERGY, LOG_P, KIND), ())
OUTPUTS = Schema((Variable("mass", "mass", "GeV"),))

numbers = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.complex_numbers(), st.none(), st.fractions(), st.decimals(),
    st.binary(max_size=4), st.dates(), st.timedeltas(),
)  # fmt: skip
units = st.sampled_from([u.GeV, u.TeV, u.m, u.K, u.dimensionless_unscaled, u.mag, u.deg_C])
texts = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[ +-]?[0-9.]{1,4}(e[0-9]{1,3})? ?[a-zA-Z0-9 ./*^-]{0,6}", fullmatch=True),
    st.sampled_from(["gluon", "top", "nan", "inf", "on", "91.2 GeV", "9 1.2GeV", "1_000", "\0", "١٢"]),
)
quantities = st.builds(lambda value, unit: value * unit, st.floats(allow_nan=True), units)
masked = st.builds(
    np.ma.MaskedArray, st.lists(st.floats(), min_size=3, max_size=3), st.lists(st.booleans(), min_size=3, max_size=3)
)
any_array = st.one_of(
    arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(max_dims=3, max_side=3)),
    arrays.arrays(object, 2, elements=st.one_of(numbers, texts)),
)
attributes = st.fixed_dictionaries(
    {},
    optional={
        "units": st.one_of(texts, st.just("GeV"), st.integers()),
        "scale_factor": st.one_of(st.floats(), texts),
        "_FillValue": st.one_of(st.integers(-5, 5), st.floats(), texts),
        "flag_meanings": texts,
    },
)
data_arrays = st.builds(
    lambda values, attrs: xr.DataArray(values, attrs=attrs),
    st.one_of(arrays.arrays(np.float64, 3), arrays.arrays(np.int16, 2), arrays.arrays(np.float32, (2, 2, 2))),
    attributes,
)
anything = st.recursive(
    st.one_of(numbers, texts, quantities, masked, any_array, data_arrays),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(variable=st.sampled_from(EVERY), value=anything)
def test_any_value_becomes_schema_units_or_one_line_that_names_the_variable(variable, value):
    try:
        found = variable.convert(value)
        variable.check(found)
    except SchemaError as error:
        assert str(error).startswith(f"{variable.name}: ") and error.variable == variable.name
        assert error.expected
        return
    assert found.dtype.kind in "iuf"
    if variable is ENERGY:
        assert np.all((found >= 10) & (found <= 200))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=200, deadline=None)
@given(n=st.one_of(st.integers(), numbers, texts), first=st.one_of(st.integers(), numbers), value=anything)
def test_any_request_is_taken_or_refused_in_one_line(n, first, value):
    if isinstance(n, int) and n > 5:
        n = n % 5
    try:
        ask(SCHEMA, n, {"energy": value}, first=first).check()
    except SchemaError as error:
        assert error.variable


@settings(max_examples=300, deadline=None)
@given(value=st.floats(10, 200), unit=st.sampled_from(["GeV", "MeV", "TeV", "eV"]), space=st.sampled_from(["", " "]))
def test_a_number_means_the_same_however_its_unit_is_given(value, unit, space):
    stated = float((value * u.GeV).to_value(unit))
    for given_as in (f"{stated!r}{space}{unit}", stated * u.Unit(unit), xr.DataArray(stated, attrs={"units": unit})):
        np.testing.assert_allclose(ENERGY.convert(given_as), value, rtol=1e-12)


@pytest.mark.parametrize("text", ["9 1.2GeV", "9 1.2", "2 3", "1 -2 GeV", "9,1.2", "1. .2"])
@pytest.mark.parametrize("variable", [ENERGY, LOG_P], ids=lambda variable: variable.name)
def test_two_numbers_are_no_number(variable, text):
    with pytest.raises(SchemaError, match="is not one number with a unit|is not a number"):
        variable.convert(text)


def test_a_masked_value_is_refused_with_its_row():
    value = np.ma.MaskedArray([91.2, 10.58, 91.2], [False, True, False])
    for given_as in (value, np.ma.MaskedArray([1.0, 2.0, 3.0], [False, True, True])):
        for variable in (ENERGY, LOG_P):
            with pytest.raises(SchemaError, match=f"{variable.name}: the value in row 1 is masked; expected"):
                variable.convert(given_as)
    np.testing.assert_array_equal(ENERGY.convert(np.ma.MaskedArray([91.2, 10.58])), [91.2, 10.58])


def test_packed_values_are_decoded_as_cf_says():
    packed = xr.DataArray(
        np.array([912, -9999, 400], np.int16),
        dims="sample",
        attrs={"scale_factor": 0.1, "add_offset": 1.0, "_FillValue": np.int16(-9999), "units": "GeV"},
    )
    with pytest.raises(SchemaError, match="energy: nan is not finite in row 1"):
        ENERGY.check(ENERGY.convert(packed))
    np.testing.assert_allclose(ENERGY.convert(packed), [92.2, np.nan, 41.0])


def test_quantities_and_numbers_may_stand_in_one_list():
    np.testing.assert_allclose(ENERGY.convert([91.2 * u.GeV, 91.2, "91.2 GeV", 0.0912 * u.TeV]), [91.2] * 4)
    with pytest.raises(SchemaError, match="has units of length; expected GeV"):
        ENERGY.convert([91.2 * u.GeV, 3 * u.m])


@pytest.mark.parametrize(
    ("name", "hint"), [("energi", "energy"), ("Energy", "energy"), ("log_P", "log_p"), ("kinds", "kind")]
)
def test_a_misspelt_variable_of_a_dataset_is_refused_with_the_nearest_name(name, hint):
    rows = xr.Dataset({"energy": ("sample", [91.2, 50.0]), name: ("sample", [1.0, 0.0])})
    if hint == "energy":
        rows = rows.drop_vars("energy")
    for beside in (rows, rows.assign(mass=("sample", [1.0, 2.0]))):
        with pytest.raises(SchemaError, match=rf"{name}: unknown condition; .*did you mean '{hint}'"):
            ask(SCHEMA, beside, {}, outputs=OUTPUTS)


def test_rows_of_conditions_alone_hold_nothing_else():
    rows = xr.Dataset({"energy": ("sample", [91.2]), "weight": ("sample", [1.0])})
    with pytest.raises(SchemaError, match="weight: unknown condition; expected energy, log_p, kind"):
        ask(SCHEMA, rows, {}, outputs=OUTPUTS)
    ask(SCHEMA, rows.assign(mass=("sample", [1.0])), {}, outputs=OUTPUTS).check()


def test_a_condition_that_is_a_coordinate_is_taken():
    rows = xr.Dataset({"log_p": ("sample", [1.0, 2.0])}, {"energy": ("sample", [50.0, 60.0])})
    np.testing.assert_array_equal(ask(SCHEMA, rows, {}).whole()["energy"], [50.0, 60.0])
    rows = xr.Dataset({"log_p": ("sample", [1.0, 2.0])}, {"energy": 70.0})
    np.testing.assert_array_equal(ask(SCHEMA, rows, {}).whole()["energy"], [70.0, 70.0])


def test_identities_end_where_int64_does():
    last = 2**63 - 1
    whole = ask(SCHEMA, 2, {"energy": 91.2}, first=last - 1).whole()
    assert whole["sample"].values.tolist() == [last - 1, last]
    assert ask(SCHEMA, 1, {"energy": 91.2}, first=-(2**63)).whole()["sample"].values.tolist() == [-(2**63)]
    for first in (last, 2**64, -(2**63) - 1):
        with pytest.raises(SchemaError, match="first: samples .* have no identity"):
            ask(SCHEMA, 2, {"energy": 91.2}, first=first)
    rows = xr.Dataset({"energy": ("sample", [91.2, 91.2])}, {"sample": np.array([0, 2**63], np.uint64)})
    with pytest.raises(SchemaError, match="sample: identity 9223372036854775808 in row 1"):
        ask(SCHEMA, rows, {})


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "1"])
def test_a_seed_is_a_number_that_a_file_can_hold(seed):
    with pytest.raises(SchemaError, match="seed: "):
        check_seed(seed)
    assert check_seed(np.int64(2**63 - 1)) == 2**63 - 1


def test_a_bad_value_among_many_is_named_by_its_row():
    with pytest.raises(SchemaError, match="energy: 500 GeV is out of range in row 3; expected 10 to 200 GeV"):
        ENERGY.check(np.array([91.2, 91.2, 91.2, 500.0]))
    with pytest.raises(SchemaError, match="kind: 'charm' is unknown in row 1"):
        KIND.convert(["gluon", "charm"])
    with pytest.raises(SchemaError, match="n_days: 1.5 is not a whole number in row 1"):
        DAYS.convert([1, 1.5])


def test_dimension_and_fraction_are_numbers_too():
    assert Dimension("y").multiple == 1
    assert ENERGY.convert(Fraction(100, 2)) == 50
