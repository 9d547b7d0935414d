"""Any pair of tables: what their columns are, what is refused and how, learning, and writing the same pair."""

import csv
import re
import zipfile

import numpy as np
import pytest
import torch

from surrogates.cli.learning import _default
from surrogates.contract.errors import SchemaError
from surrogates.plugins.health_records.cohort.codec import TableCodec
from surrogates.plugins.health_records.cohort.layout import Layout
from surrogates.plugins.health_records.cohort.network import TableModel
from surrogates.plugins.health_records.cohort.reading import cohort, found, opened, read
from surrogates.plugins.health_records.plugin import PLUGIN
from surrogates.release.made import new_card, weights_of
from surrogates.sampling.surrogate import Surrogate
from surrogates.training.pools import PoolError
from surrogates.training.train import train, training_data

torch.set_num_threads(1)
N = 260
WARDS = ("intensive care", "step down", "ward")


def patients():
    """Header and rows of a table with a row a patient, and what they are like."""
    draw = np.random.default_rng(3)
    rows = [["stay", "Age (years)", "Ward", "children", "smoker", "death"]]
    ill = draw.random(N)
    for k in range(N):
        weight = "" if draw.random() < 0.1 else WARDS[int(3 * draw.random())]
        rows.append(
            [f"s{k}", f"{20 + 60 * ill[k]:.1f}", weight, int(4 * draw.random()), int(draw.random() < 0.3)]
            + ["yes" if draw.random() < 0.5 * ill[k] else "no"]
        )
    return rows, ill


def measurements(ill):
    """Rows (stay, hour, variable, value, unit)."""
    draw = np.random.default_rng(4)
    rows = [["stay", "hours", "variable", "value", "unit"]]
    for k in range(N):
        for hour in range(0, 36, 3):
            rows.append([f"s{k}", hour + round(float(draw.random()), 2), "pulse", f"{60 + 50 * ill[k]:.0f}", "/min"])
            if draw.random() < 0.2 + 0.5 * ill[k]:
                rows.append([f"s{k}", hour + 1, "lactate", f"{1 + 4 * ill[k] * draw.random():.2f}", "mmol/L"])
            if hour % 6 == 0:
                rows.append([f"s{k}", hour + 2, "rhythm", "sinus" if draw.random() < 0.8 else "atrial fib", ""])
    return rows


@pytest.fixture(scope="module")
def tables():
    static, ill = patients()
    return static, measurements(ill)


@pytest.fixture
def folder(tables, tmp_path):
    """Write the pair, changed by a function of both lists of rows."""

    def write(change=None):
        static, temporal = ([list(row) for row in table] for table in tables)
        if change is not None:
            change(static, temporal)
        place = tmp_path / "cohort"
        place.mkdir(exist_ok=True)
        for name, rows in (("patients.csv", static), ("charts.csv", temporal)):
            with open(place / name, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(rows)
        return place

    return write


@pytest.fixture
def kept(tmp_path):
    place = tmp_path / "kept"
    place.mkdir()
    return place


def tensors(data):
    return {
        str(n): torch.tensor(v.values, dtype=torch.float64 if v.dtype.kind == "f" else torch.int64)
        for n, v in data.data_vars.items()
    }


def test_columns_are_found_and_written_as_an_editable_file(folder, kept):
    _, layout = opened(folder(), kept)
    assert layout == Layout.read(kept / "schema.json")
    kinds = {column.column: (column.kind, column.role) for column in layout.columns}
    assert kinds == {
        "Age (years)": ("continuous", "output"),
        "Ward": ("categorical", "output"),
        "children": ("ordinal", "output"),
        "smoker": ("categorical", "output"),
        "death": ("categorical", "outcome"),
    }
    signs = {sign.column: (sign.kind, sign.units, sign.decimals) for sign in layout.signs}
    assert signs["pulse"] == ("continuous", "/min", 0) and signs["lactate"] == ("continuous", "mmol/L", 2)
    assert signs["rhythm"][0] == "categorical"
    assert (layout.patient, layout.time, layout.long) == ("stay", "hours", True)
    assert layout.bins.count * layout.bins.width >= 36 and layout.bins.count <= 12


def test_an_edited_file_is_taken_by_a_second_run(folder, kept, tmp_path):
    place = folder()
    read(place, kept)
    text = (kept / "schema.json").read_text(encoding="utf-8")
    edited = tmp_path / "mine.json"
    changed = text.replace('"name": "age_years"', '"name": "years"').replace(
        '"name": "ward", "kind": "categorical"', '"name": "ward", "kind": "categorical", "role": "condition"'
    )
    edited.write_text(changed, encoding="utf-8")
    (data,) = read(place, kept, schema=str(edited))
    conditions, outputs = found([data])
    assert conditions.names == ("ward",) and "years" in outputs and "age_years" not in outputs
    assert conditions["ward"].categories == ("intensive_care", "step_down", "ward")
    (place / "schema.json").write_text(changed, encoding="utf-8")
    assert found(read(place, kept))[0].names == ("ward",), "a schema.json beside the tables is taken too"


def test_values_and_gaps_stand_where_the_tables_have_them(folder, kept, tables):
    place = folder()
    both, layout = opened(place, kept)
    data, trains = cohort(*both, layout)
    assert data.sizes["sample"] == N and 0.7 < trains.mean() < 0.9
    rows = [row for row in tables[1][1:] if row[0] == "s7" and row[2] == "lactate"]
    bins = layout.bins
    expected = np.full(bins.count, np.nan)
    for place_in_time in range(bins.count):
        values = [float(row[3]) for row in rows if int((float(row[1]) - bins.start) // bins.width) == place_in_time]
        if values:
            expected[place_in_time] = round(sum(values) / len(values), 2)
    np.testing.assert_allclose(data["lactate"].values[7], expected, atol=0.011)
    assert data["ward"].values.min() == -1 and data["death"].values.min() == 0


def test_a_wide_table_holds_what_a_long_one_does(folder, kept, tmp_path):
    place = folder()
    both, layout = opened(place, kept)
    data, _ = cohort(*both, layout)
    wide = tmp_path / "wide"
    wide.mkdir()
    names = ("pulse", "lactate", "rhythm")
    labels = {"rhythm": next(s.labels for s in layout.signs if s.column == "rhythm")}
    with open(wide / "charts.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["stay", "hours", *names])
        for k in range(N):
            for b, hour in enumerate(layout.bins.centres):
                cells = [data[name].values[k, b] for name in names]
                texts = [
                    "" if not c >= 0 else labels[n][c] if n in labels else c for n, c in zip(names, cells, strict=True)
                ]
                if any(text != "" for text in texts):
                    writer.writerow([f"s{k}", hour, *texts])
    (wide / "patients.csv").write_bytes((place / "patients.csv").read_bytes())
    again, found_layout = opened(wide, kept)
    assert not found_layout.long and found_layout.bins.centres == layout.bins.centres
    second, _ = cohort(*again, found_layout)
    for name in names:
        np.testing.assert_array_equal(second[name].values, data[name].values)


def bad(change):
    return pytest.param(change)


def set_cell(table, row, column, value):
    def change(static, temporal):
        (static if table == 0 else temporal)[row][column] = value

    return change


def every(table, column, make):
    def change(static, temporal):
        rows = static if table == 0 else temporal
        for k, row in enumerate(rows[1:]):
            row[column] = make(k)

    return change


def added(table, header, make):
    def change(static, temporal):
        rows = static if table == 0 else temporal
        rows[0].append(header)
        for k, row in enumerate(rows[1:]):
            row.append(make(k))

    return change


def repeated(table, row):
    def change(static, temporal):
        rows = static if table == 0 else temporal
        rows.append(list(rows[row]))

    return change


def cut(number):
    def change(static, temporal):
        del static[number + 1 :]
        names = {row[0] for row in static}
        temporal[:] = [row for row in temporal if row[0] in names]

    return change


def both_sides(static, temporal):
    added(0, "split", lambda k: "train" if k % 3 else "test")(static, temporal)
    static.append([*static[2][:-1], "test"])


BAD = {
    "gaps": (added(0, "lactate_before", lambda k: "NA"), r"lactate_before: nothing but gaps in patients.csv.*schema"),
    "dates": (
        added(0, "admitted", lambda k: f"2019-03-{1 + k % 28:02d}"),
        r"admitted: dates \('2019-03-01' in line 2 of",
    ),
    "free text": (
        added(0, "note", lambda k: f"seen by doctor {k}, well"),
        r"note: free text, 260 different .*patients",
    ),
    "texts": (set_cell(1, 1, 3, "haemolysed"), r"pulse: 'haemolysed' among numbers in line 2 of charts.csv"),
    "time is a date": (every(1, 1, lambda k: "2019-03-01 10:00"), r"hours: the date '2019-03-01 10:00' in line 2 of"),
    "empty time": (set_cell(1, 4, 1, ""), r"hours: empty in line 5 of charts.csv"),
    "twice in static": (repeated(0, 3), r"stay: 's2' stands in patients.csv twice, in lines 4 and 262"),
    "repeats": (repeated(1, 9), r"charts.csv: 1 rows stand there twice, first line \d+ as line 10 \(patient s0\)"),
    "both sides": (both_sides, r"split: 's1' is on both sides, in lines 3 and 262 of patients.csv"),
    "too few": (cut(60), r"patients: \d\d who train \(\d+ held out\); expected 100 or more"),
    "unknown patient": (
        set_cell(1, 3, 0, "s9999"),
        r"stay: 's9999' in line 4 of charts.csv has no row in patients.csv",
    ),
    "two units": (set_cell(1, 1, 4, "Hz"), r"pulse: in /min and in Hz"),
    "no outcome": (set_cell(0, 4, 5, ""), r"death: empty in line 5 of patients.csv"),
    "no variable": (set_cell(1, 2, 2, ""), r"variable: empty in line 3 of charts.csv"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_learned_from_is_named_in_one_line(folder, kept, name):
    change, line = BAD[name]
    with pytest.raises(SchemaError, match=line) as raised:
        read(folder(change), kept)
    assert "\n" not in str(raised.value)


AGAINST_A_SCHEMA = {
    "new label": (
        set_cell(0, 6, 2, "burns"),
        r"Ward: 'burns' in line 7 of patients.csv is none of the schema's labels",
    ),
    "new value": (set_cell(0, 6, 3, 17), r"children: 17 in line 7 of patients.csv; expected one of 0, 1, 2, 3"),
    "outside": (set_cell(1, 2, 1, 99.5), r"hours: 99.5 in line 3 .* 1 rows do; expected 0 to below 36 h; widen .*drop"),
    "beyond": (set_cell(0, 5, 1, 180), r"Age \(years\): 180 in line 6 of patients.csv; expected .* as the schema says"),
    "variable": (
        set_cell(1, 2, 2, "bilirubin"),
        r"variable: 'bilirubin' in line 3 of charts.csv is none of the schema's",
    ),
}


@pytest.mark.parametrize("name", AGAINST_A_SCHEMA)
def test_what_a_given_schema_does_not_say_is_named(folder, kept, tmp_path, name):
    place = folder()
    read(place, kept)
    schema = tmp_path / "schema.json"
    schema.write_bytes((kept / "schema.json").read_bytes())
    change, line = AGAINST_A_SCHEMA[name]
    with pytest.raises(SchemaError, match=line):
        read(folder(change), kept, schema=str(schema))


def test_a_label_that_few_have_is_told(folder, kept, capsys):
    def burns(static, temporal):
        for row in static[1:5]:
            row[2] = "burns"

    read(folder(burns), kept)
    assert re.search(r"note: Ward: [1-4] who train have 'burns' and may be known by it", capsys.readouterr().err)


def test_codes_of_missing_values_are_found_and_told(folder, kept, capsys):
    def coded(static, temporal):
        for row in static[1:30]:
            row[1] = "-1"
        for row in static[40:60]:
            row[4] = "-9"

    (data,) = read(folder(coded), kept)
    layout = Layout.read(kept / "schema.json")
    assert [c.missing for c in layout.columns] == [("-1",), (), (), ("-9",), ()]
    assert np.isnan(data["age_years"].values[:20]).all() and np.nanmin(data["age_years"].values) >= 20.0
    assert layout.columns[3].labels == ("0", "1") and -1 in data["smoker"].values
    assert "Age (years): -1 counts as missing" in capsys.readouterr().err


def test_training_takes_the_recipe_that_reads_what_is_given(folder, tmp_path):
    assert _default(PLUGIN, None) == "autoregressive"
    assert _default(PLUGIN, folder()) == _default(PLUGIN, tmp_path / "a.pair.zip") == "tables"
    assert _default(PLUGIN, tmp_path / "a.npz") == "physionet"
    with pytest.raises(PoolError, match=r"cohort is a folder; expected an \.npz"):
        training_data(PLUGIN, PLUGIN.recipes["physionet"], folder(), tmp_path / "run")


def test_an_ignored_column_is_left_out(folder, kept, tmp_path):
    place = folder(added(0, "note", lambda k: f"seen by doctor {k}, well"))
    with pytest.raises(SchemaError, match="note: free text"):
        read(place, kept)
    copy = tmp_path / "copy.json"
    copy.write_bytes((kept / "schema.json").read_bytes())
    (data,) = read(place, kept, schema=str(copy))
    assert "note" not in data


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"kind": "ordinal"', '"kind": "ordinale"', r"children: kind 'ordinale'; expected .*did you mean 'ordinal'"),
        ('"bins":', '"bin":', r"bins"),
        ('"outside": "refuse"', '"outside": "keep"', r"bins: outside 'keep'; expected refuse or drop"),
        ('"name": "pulse"', '"name": "lactate"', r"lactate: a name that is taken"),
        ('{', '', r"expected JSON"),
    ],
)  # fmt: skip
def test_a_schema_with_a_mistake_is_named(folder, kept, old, new, line):
    read(folder(), kept)
    text = (kept / "schema.json").read_text(encoding="utf-8")
    with pytest.raises(SchemaError, match=line):
        Layout.from_text(text.replace(old, new, 1))


def test_levels_come_back_and_what_never_occurs_is_never_drawn(folder, kept):
    from surrogates.noise import Noise

    (data,) = read(folder(), kept)
    layout = Layout.from_text(data.attrs["layout"])
    codec, physical = TableCodec(layout), tensors(data)
    codec.fit([physical])
    decoded = codec.decode(codec.encode(physical), {})
    for column in codec.columns:
        if column.kind != "continuous":
            assert torch.equal(
                decoded[column.name].nan_to_num(-9.0).double(), physical[column.name].nan_to_num(-9.0).double()
            )
        else:
            apart = (decoded[column.name] - physical[column.name]).abs()
            assert float(apart[apart.isfinite()].max()) <= 0.51 * 10.0 ** -(column.decimals or 0)
    torch.manual_seed(0)
    model = TableModel(codec, 16, 16, 0.0)
    with torch.no_grad():
        drawn = codec.decode(model.sample({}, Noise(1, torch.arange(400))), {})
    assert set(drawn["death"].unique().tolist()) == {0, 1}, "an outcome that is never missing never is"
    assert not drawn["pulse"].isnan().any() and drawn["lactate"].isnan().any()
    assert set(drawn["children"].unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}


def test_conditions_can_be_asked_or_left_out(folder, kept, tmp_path):
    place, run, schema = folder(), tmp_path / "run", tmp_path / "mine.json"
    read(place, kept)
    text = (kept / "schema.json").read_text(encoding="utf-8")
    for name in ("ward", "age_years"):
        text = text.replace(f'"name": "{name}", ', f'"name": "{name}", "role": "condition", ')
    schema.write_text(text, encoding="utf-8")
    options = {"width": 8, "hidden": 8, "schema": str(schema)}
    new_card(PLUGIN, "tables", data=place, run=run, seed=0, options=options).write(run / "card.json")
    train(PLUGIN, "tables", run, data=place, updates=2, device="cpu", progress=False, options=options)
    surrogate = Surrogate.open(PLUGIN, weights=weights_of(PLUGIN, run))
    assert surrogate.conditions.names == ("age_years", "ward")
    samples = surrogate.sample(20, seed=1, ward="step_down")
    assert set(samples["ward"].values) == {1} and np.isnan(samples["age_years"].values).all()
    with pytest.raises(SchemaError, match="ward: 'burns' is unknown.*intensive_care"):
        surrogate.sample(2, seed=1, ward="burns")
    with pytest.raises(SchemaError, match="age_years: 150 is out of range"):
        surrogate.sample(2, seed=1, age_years=150)
    assert set(surrogate.plugin.prior(surrogate.conditions, 50, 1)["ward"].values) == {0, 1, 2}


def test_a_pair_of_the_plugins_own_columns_is_learned_in_private_without_a_look_at_it(tmp_path, kept):
    pytest.importorskip("opacus")
    from surrogates.plugins.health_records.tidy import write_pair

    truth = PLUGIN.truth(300, 8)
    place = tmp_path / "own"
    place.mkdir()
    write_pair(truth, place)
    recipe = PLUGIN.recipes["private"].using(epsilon=0.05, batch_size=64)
    (data,) = recipe.learns(place, kept)
    rows = data["sample"].values
    for name in ("heart_rate", "unit", "age", "outcome", "body_weight"):
        np.testing.assert_allclose(data[name].values, truth[name].values[rows], rtol=1e-5)
    with pytest.raises(SchemaError, match=r"epsilon: 0.05 with \d+ samples, .*; expected [\d.]+ or more, more samples"):
        recipe.phases[0].privacy.noise_multiplier(64 / len(rows), recipe.updates, len(rows))
    text = (place / "patients.csv").read_text(encoding="utf-8")
    (place / "patients.csv").write_text(text.replace(",surgical,", ",burns,", 1), encoding="utf-8")
    with pytest.raises(SchemaError, match=r"unit: 'burns' in line \d+ of patients.csv is none of the schema's labels"):
        recipe.learns(place, kept)


def test_a_run_learns_samples_and_writes_the_same_pair(folder, tmp_path):
    place, run = folder(), tmp_path / "run"
    small = {"width": 16, "hidden": 16}
    new_card(PLUGIN, "tables", data=place, run=run, seed=0, options=small).write(run / "card.json")
    train(PLUGIN, "tables", run, data=place, updates=2, device="cpu", progress=False, options=small)
    surrogate = Surrogate.open(PLUGIN, weights=weights_of(PLUGIN, run))
    samples = surrogate.sample(150, seed=1)
    assert surrogate.plugin.reference is None and surrogate.conditions.names == ()
    assert samples["lactate"].dims == ("sample", "bin") and samples["lactate"].attrs["units"] == "mmol/L"
    assert samples.attrs["residual_ranges"] == 0.0
    pair = surrogate.plugin.formats[0]
    pair.write(iter([samples.isel(sample=slice(0, 60)), samples.isel(sample=slice(60, None))]), tmp_path / "a.pair.zip")
    with zipfile.ZipFile(tmp_path / "a.pair.zip") as archive:
        static, temporal = (archive.read(name).decode().splitlines() for name in ("patients.csv", "charts.csv"))
    assert (
        static[0] == "stay,Age (years),Ward,children,smoker,death" and temporal[0] == "stay,hours,variable,value,unit"
    )
    assert len(static) == 151 and any("intensive care" in line for line in static)
    (again,) = read(tmp_path / "a.pair.zip", tmp_path, schema=str(run / "data" / "schema.json"))
    rows = again["sample"].values
    for name in ("lactate", "rhythm", "age_years", "death"):
        np.testing.assert_array_equal(again[name].values, samples[name].values[rows])
    figures = surrogate.plugin.measure(samples, samples.isel(sample=slice(None, None, -1)))
    assert figures["marginals"] == 0.0 and set(figures) < set(surrogate.plugin.targets)
    page = surrogate.plugin.figure(samples, samples)
    assert page.axes
