"""Records as OMOP tables and as FHIR: every value once, references that resolve, and an outside model of FHIR."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest

from surrogates.io.omop import TABLES
from surrogates.io.patient_tables import Field
from surrogates.plugins.health_records.cohort.layout import Bins, Column, Layout
from surrogates.plugins.health_records.plugin import PLUGIN
from surrogates.plugins.health_records.standards import care_of
from surrogates.plugins.health_records.variables import NAMES, STATURE

N = 12


@pytest.fixture(scope="module")
def stays():
    found = PLUGIN.truth(400, 3)
    dead = np.flatnonzero(found["outcome"].values == 1)[:3]
    return found.isel(sample=np.sort(np.concatenate([dead, np.arange(100, 100 + N - 3)])))


def written(name, stays, path):
    kind = next(entry for entry in PLUGIN.formats if entry.name == name)
    target = path / f"stays{kind.suffixes[0]}"
    kind.write(iter([stays.isel(sample=slice(0, 5)), stays.isel(sample=slice(5, None))]), target)
    return target


def values(stays):
    cells = sum(int(np.isfinite(stays[name].values).sum()) for name in NAMES)
    return cells + sum(int(np.isfinite(stays[name].values).sum()) for name in STATURE)


def test_omop_tables_hold_every_value_and_their_keys_resolve(stays, tmp_path):
    with zipfile.ZipFile(written("omop", stays, tmp_path)) as archive:
        tables = {
            name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(archive.read(name).decode())))
            for name in archive.namelist()
        }
    assert set(tables) == set(TABLES)
    for name, rows in tables.items():
        assert all(tuple(row) == TABLES[name] for row in rows), name
    people = {row["person_id"]: row for row in tables["person"]}
    assert len(people) == N and len(tables["measurement"]) == values(stays)
    visits = {row["visit_occurrence_id"]: row["person_id"] for row in tables["visit_occurrence"]}
    for name in ("measurement", "observation"):
        identities = [row[f"{name}_id"] for row in tables[name]]
        assert len(set(identities)) == len(identities)
        for row in tables[name]:
            assert visits[row["visit_occurrence_id"]] == row["person_id"] and row["person_id"] in people
            assert row[f"{name}_concept_id"] == "0" and row[f"{name}_source_value"]
    for row, sex, age in zip(tables["person"], stays["sex"].values, stays["age"].values, strict=True):
        assert row["gender_concept_id"] == ("8532", "8507")[sex]
        assert int(row["year_of_birth"]) == 2000 - int(age)
    dead = {str(k + 1) for k, code in zip(stays["sample"].values, stays["outcome"].values, strict=True) if code == 1}
    assert {row["person_id"] for row in tables["death"]} == dead and len(dead) >= 3
    assert "SYNTHETIC" in tables["cdm_source"][0]["cdm_source_name"]
    row = next(r for r in tables["measurement"] if r["measurement_source_value"] == "heart_rate")
    place = [str(k + 1) for k in stays["sample"].values].index(row["person_id"])
    hour = int(row["measurement_datetime"][11:13]) + 24 * (int(row["measurement_datetime"][8:10]) - 1)
    assert float(row["value_as_number"]) == pytest.approx(stays["heart_rate"].sel(bin=hour).values[place], rel=1e-5)


def test_fhir_bundles_hold_every_value_and_fit_an_outside_model(stays, tmp_path):
    bundle = pytest.importorskip("fhir.resources.R4B.bundle").Bundle
    lines = written("fhir", stays, tmp_path).read_text(encoding="utf-8").splitlines()
    assert len(lines) == N
    found = 0
    for number, line in enumerate(lines):
        whole = json.loads(line)
        resources = [entry["resource"] for entry in whole["entry"]]
        names = [f"{one['resourceType']}/{one['id']}" for one in resources]
        assert len(set(names)) == len(names)
        assert [entry["request"]["url"] for entry in whole["entry"]] == names
        patient, encounter, *observations = resources
        assert patient["deceasedBoolean"] == bool(stays["outcome"].values[number])
        assert encounter["subject"]["reference"] == names[0]
        assert all(one["encounter"]["reference"] == names[1] for one in observations)
        assert all(one["meta"]["security"][0]["code"] == "HTEST" for one in resources)
        found += sum("valueQuantity" in one for one in observations)
        if number < 3:
            checked = bundle.model_validate_json(line)
            assert len(checked.entry) == len(resources)
            with pytest.raises(ValueError, match="effectiveDateTime"):
                bundle.model_validate_json(
                    line.replace('"effectiveDateTime":"2000', '"effectiveDateTime":"the year 2000')
                )
    assert found == values(stays)


def test_what_columns_of_other_tables_mean_is_read_off_their_names():
    columns = (
        Column("Age at entry", "age_at_entry", "continuous", bounds=(0.0, 100.0)),
        Column("Gender", "gender", "categorical", labels=("F", "M")),
        Column("ward", "ward", "categorical", labels=("a b", "c")),
        Column("hospital_death", "hospital_death", "categorical", "outcome", labels=("0", "1")),
    )
    sign = Column("p", "p", "continuous", bounds=(0.0, 1.0))
    layout = Layout("s.csv", "t.csv", "id", "id", "hour", columns, (sign,), Bins(0.0, 1.0, 4))
    care = care_of(layout, tuple(Field(c.name, c.column, c.labels) for c in columns), (Field("p", "p"),))
    assert (care.age, care.sex, care.ward, care.died) == ("age_at_entry", "gender", "ward", "1")
