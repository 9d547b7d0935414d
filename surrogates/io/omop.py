"""Records of patients in the shape of the OMOP common data model, version 5.4, as a zip archive of CSV tables.

What is known under no standard concept has concept 0 and stands as the source value; sexes have the standard concepts.
Every stay begins at one made-up date; a death is dated at the end of what is recorded, for its day is not generated.

Tables and columns: OHDSI, https://ohdsi.github.io/CommonDataModel/cdm54.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .blocks import opened
from .care import ADMISSION, Care, Stay
from .formats import Format
from .zipped import zipped_tables

if TYPE_CHECKING:
    import xarray as xr

TABLES: dict[str, tuple[str, ...]] = {
    "person": (
        "person_id gender_concept_id year_of_birth month_of_birth day_of_birth birth_datetime race_concept_id "
        "ethnicity_concept_id location_id provider_id care_site_id person_source_value gender_source_value "
        "gender_source_concept_id race_source_value race_source_concept_id ethnicity_source_value "
        "ethnicity_source_concept_id"
    ),
    "observation_period": (
        "observation_period_id person_id observation_period_start_date observation_period_end_date "
        "period_type_concept_id"
    ),
    "visit_occurrence": (
        "visit_occurrence_id person_id visit_concept_id visit_start_date visit_start_datetime visit_end_date "
        "visit_end_datetime visit_type_concept_id provider_id care_site_id visit_source_value visit_source_concept_id "
        "admitted_from_concept_id admitted_from_source_value discharged_to_concept_id discharged_to_source_value "
        "preceding_visit_occurrence_id"
    ),
    "measurement": (
        "measurement_id person_id measurement_concept_id measurement_date measurement_datetime measurement_time "
        "measurement_type_concept_id operator_concept_id value_as_number value_as_concept_id unit_concept_id range_low "
        "range_high provider_id visit_occurrence_id visit_detail_id measurement_source_value "
        "measurement_source_concept_id unit_source_value unit_source_concept_id value_source_value "
        "measurement_event_id meas_event_field_concept_id"
    ),
    "observation": (
        "observation_id person_id observation_concept_id observation_date observation_datetime "
        "observation_type_concept_id value_as_number value_as_string value_as_concept_id qualifier_concept_id "
        "unit_concept_id provider_id visit_occurrence_id visit_detail_id observation_source_value "
        "observation_source_concept_id unit_source_value qualifier_source_value value_source_value "
        "observation_event_id obs_event_field_concept_id"
    ),
    "death": (
        "person_id death_date death_datetime death_type_concept_id cause_concept_id cause_source_value "
        "cause_source_concept_id"
    ),
    "cdm_source": (
        "cdm_source_name cdm_source_abbreviation cdm_holder source_description source_documentation_reference "
        "cdm_etl_reference source_release_date cdm_release_date cdm_version cdm_version_concept_id vocabulary_version"
    ),
}  # type: ignore[assignment]
TABLES = {name: tuple(str(columns).split()) for name, columns in TABLES.items()}
"""Table -> its columns."""

GENDERS = {"male": 8507, "female": 8532, "unknown": 0}
"""Standard concepts of the two sexes."""
_OPTIONAL = (
    "operator_concept_id",
    "value_as_concept_id",
    "qualifier_concept_id",
    "cause_concept_id",
    "admitted_from_concept_id",
    "discharged_to_concept_id",
    "meas_event_field_concept_id",
    "obs_event_field_concept_id",
)


def omop_format(care: Care) -> Format:
    """The format of a plugin's records."""
    return Format(
        name="omop",
        suffixes=(".omop.zip",),
        description="zip archive of CSV tables of the OMOP common data model 5.4, concept 0 with source values",
        write=partial(write_omop, care=care),
        read=None,
        leaves_out="all but six digits of a number",
    )


def write_omop(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False, care: Care) -> None:
    """Write the tables of all stays into one archive.

    Raises
    ------
    FormatError
        A variable is not in the Dataset.
    OutputError
        The file exists or cannot be written.
    """
    first, stream = opened(blocks)
    headers = {f"{name}.csv": columns for name, columns in TABLES.items()}
    numbers = {"measurement": 0, "observation": 0}
    with zipped_tables(target, headers, overwrite=overwrite) as writers:
        writers["cdm_source.csv"].writerow(_source(first))
        for block in (first, *stream):
            for stay in care.stays(block):
                for table, values in _rows(stay, numbers):
                    writers[f"{table}.csv"].writerow(_row(table, values))


def _row(table: str, values: dict[str, Any]) -> list[Any]:
    found = []
    for column in TABLES[table]:
        plain = 0 if column.endswith("_concept_id") and column not in _OPTIONAL else ""
        value = values.get(column, plain)
        found.append(f"{value:.6g}" if isinstance(value, float) else value)
    return found


def _source(block: xr.Dataset) -> list[Any]:
    name = f"{block.attrs.get('plugin', 'records')} {block.attrs.get('recipe', '')}".strip()
    day = ADMISSION.date().isoformat()
    return _row(
        "cdm_source",
        {
            "cdm_source_name": f"SYNTHETIC: surrogates {name}",
            "cdm_source_abbreviation": "SYNTHETIC",
            "cdm_holder": "surrogates",
            "source_description": "generated records, of no real patient; dates are made up",
            "source_release_date": day,
            "cdm_release_date": day,
            "cdm_version": "5.4",
            "vocabulary_version": "none",
        },
    )


def _rows(stay: Stay, numbers: dict[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    person = {"person_id": stay.identity + 1}
    visit = {**person, "visit_occurrence_id": stay.identity + 1}
    start, stop = ADMISSION, stay.stop
    yield (
        "person",
        {
            **person,
            "gender_concept_id": GENDERS[stay.sex],
            "year_of_birth": "" if stay.born is None else stay.born,
            "person_source_value": stay.identity,
            "gender_source_value": stay.once.get(stay.care.sex, ""),
        },
    )
    yield (
        "observation_period",
        {
            **person,
            "observation_period_id": stay.identity + 1,
            "observation_period_start_date": start.date(),
            "observation_period_end_date": stop.date(),
        },
    )
    yield (
        "visit_occurrence",
        {
            **visit,
            "visit_start_date": start.date(),
            "visit_start_datetime": _stamp(start),
            "visit_end_date": stop.date(),
            "visit_end_datetime": _stamp(stop),
            "visit_source_value": stay.ward,
            "discharged_to_source_value": stay.outcome,
        },
    )
    for one, place, value in stay.measured():
        yield "measurement", {**visit, **_measurement(one, stay.times[place], value, numbers)}
    for one, value in stay.about():
        if isinstance(value, float):
            yield "measurement", {**visit, **_measurement(one, start, value, numbers)}
            continue
        numbers["observation"] += 1
        yield (
            "observation",
            {
                **visit,
                "observation_id": numbers["observation"],
                "observation_date": start.date(),
                "observation_datetime": _stamp(start),
                "value_as_string": value,
                "observation_source_value": one.header,
                "value_source_value": value,
            },
        )
    if stay.died:
        yield "death", {**person, "death_date": stop.date(), "death_datetime": _stamp(stop)}


def _measurement(one: Any, when: Any, value: float | str, numbers: dict[str, int]) -> dict[str, Any]:
    numbers["measurement"] += 1
    return {
        "measurement_id": numbers["measurement"],
        "measurement_date": when.date(),
        "measurement_datetime": _stamp(when),
        "value_as_number": value if isinstance(value, float) else "",
        "measurement_source_value": one.header,
        "unit_source_value": one.units,
        "value_source_value": value,
    }


def _stamp(when: Any) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S")
