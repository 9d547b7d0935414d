"""Records of patients as HL7 FHIR R4: a transaction Bundle a line of Patient, Encounter and Observations, as NDJSON.

A line can be posted to a server as it is. Resources are labelled as test data (HTEST), and every stay begins at one
made-up date. Signs have a code of LOINC where one is known, else their name alone; units one of UCUM.

https://hl7.org/fhir/R4/; LOINC: https://loinc.org; UCUM: https://ucum.org.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .atomic import byte_stream
from .blocks import opened
from .care import ADMISSION, Care, Stay
from .formats import Format
from .patient_tables import Field

if TYPE_CHECKING:
    import xarray as xr

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
_TERMS = "http://terminology.hl7.org/CodeSystem"
SYNTHETIC = {"security": [{"system": f"{_TERMS}/v3-ActReason", "code": "HTEST", "display": "test health data"}]}
"""Of every resource: not of a real patient."""
_ENCOUNTER = {"system": f"{_TERMS}/v3-ActCode", "code": "IMP", "display": "inpatient encounter"}


def fhir_format(care: Care) -> Format:
    """The format of a plugin's records."""
    return Format(
        name="fhir",
        suffixes=(".ndjson", ".ndjson.gz"),
        description="HL7 FHIR R4, a transaction Bundle of Patient, Encounter and Observations a line",
        write=partial(write_fhir, care=care),
        read=None,
        leaves_out="all but six digits of a number",
        streams=True,
    )


def write_fhir(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False, care: Care) -> None:
    """Write a Bundle a stay.

    Raises
    ------
    FormatError
        A variable is not in the Dataset.
    OutputError
        The file exists or cannot be written.
    """
    first, rest = opened(blocks)
    with byte_stream(target, overwrite=overwrite) as stream:
        for block in (first, *rest):
            for stay in care.stays(block):
                stream.write(json.dumps(bundle(stay), separators=(",", ":"), ensure_ascii=False).encode() + b"\n")


def bundle(stay: Stay) -> dict[str, Any]:
    """A stay as a transaction."""
    entries = []
    for resource in _resources(stay):
        url = f"{resource['resourceType']}/{resource['id']}"
        entries.append({"resource": resource, "request": {"method": "PUT", "url": url}})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _resources(stay: Stay) -> Iterator[dict[str, Any]]:
    patient, encounter = f"patient-{stay.identity}", f"encounter-{stay.identity}"
    person: dict[str, Any] = {"resourceType": "Patient", "id": patient, "meta": SYNTHETIC, "gender": stay.sex}
    if stay.born is not None:
        person["birthDate"] = f"{stay.born:04d}"
    if stay.died is not None:
        person["deceasedBoolean"] = stay.died
    yield person
    visit: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": encounter,
        "meta": SYNTHETIC,
        "status": "finished",
        "class": _ENCOUNTER,
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": _stamp(ADMISSION), "end": _stamp(stay.stop)},
    }
    if stay.ward:
        visit["serviceType"] = {"text": stay.ward}
    if stay.outcome:
        visit["hospitalization"] = {"dischargeDisposition": {"text": stay.outcome}}
    yield visit
    about = {"subject": {"reference": f"Patient/{patient}"}, "encounter": {"reference": f"Encounter/{encounter}"}}
    for one, value in stay.about():
        if one.name != stay.care.outcome:
            yield {**_observation(stay, one, value, ADMISSION, "0"), **about}
    for one, place, value in stay.measured():
        yield {**_observation(stay, one, value, stay.times[place], str(place)), **about}


def _observation(stay: Stay, one: Field, value: float | str, when: datetime, place: str) -> dict[str, Any]:
    code: dict[str, Any] = {"text": one.header}
    number = (*stay.care.once, *stay.care.signs).index(one)
    if one.name in stay.care.loinc:
        code["coding"] = [{"system": LOINC, "code": stay.care.loinc[one.name]}]
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"{stay.identity}-{place}-{number}-{one.name.replace('_', '-')}"[:64],
        "meta": SYNTHETIC,
        "status": "final",
        "code": code,
        "effectiveDateTime": _stamp(when),
    }
    if isinstance(value, str):
        return {**found, "valueString": value}
    quantity: dict[str, Any] = {"value": int(value) if value == int(value) else float(f"{value:.6g}")}
    if one.units:
        quantity["unit"] = one.units
    if one.units in stay.care.ucum:
        quantity |= {"system": UCUM, "code": stay.care.ucum[one.units]}
    return {**found, "valueQuantity": quantity}


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
