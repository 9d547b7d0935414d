"""Conditions and outputs of health records: who comes to which unit, and what two days of charts hold."""

from __future__ import annotations

from ...contract.schema import Coordinate, Dimension, Schema, Variable

BINS = 12
UNITS = ("coronary_care", "cardiac_surgery", "medical", "surgical")
SEXES = ("female", "male")
OUTCOMES = ("survived", "died")

CONDITIONS = Schema(
    (
        Variable("age", "age on admission", "yr", bounds=(15.0, 95.0), optional=True),
        Variable("sex", "sex", dtype="int8", categories=SEXES, optional=True),
        Variable("unit", "kind of intensive-care unit", dtype="int8", categories=UNITS, optional=True),
    )
)

SIGNS: tuple[tuple[str, str, str, tuple[float, float]], ...] = (
    ("mean_arterial_pressure", "invasive mean arterial pressure (mmHg)", "torr", (0.0, 300.0)),
    ("systolic_arterial_pressure", "invasive systolic arterial pressure (mmHg)", "torr", (0.0, 330.0)),
    ("noninvasive_systolic_pressure", "systolic pressure by cuff (mmHg)", "torr", (0.0, 330.0)),
    ("heart_rate", "heart rate per minute", "min-1", (0.0, 320.0)),
    ("temperature", "body temperature", "deg_C", (20.0, 45.0)),
    ("respiratory_rate", "breaths per minute", "min-1", (0.0, 100.0)),
    ("glasgow_coma_scale", "Glasgow coma scale", "1", (3.0, 15.0)),
    ("urine_output", "urine collected in four hours", "mL", (0.0, 12_000.0)),
    ("glucose", "serum glucose", "mg/dL", (5.0, 2_000.0)),
    ("potassium", "serum potassium", "mmol/L", (1.0, 25.0)),
    ("sodium", "serum sodium", "mmol/L", (90.0, 190.0)),
    ("creatinine", "serum creatinine", "mg/dL", (0.0, 30.0)),
    ("blood_urea_nitrogen", "blood urea nitrogen", "mg/dL", (0.0, 260.0)),
    ("haematocrit", "haematocrit", "%", (5.0, 75.0)),
    ("white_cells", "white blood cells", "1e9 L-1", (0.0, 600.0)),
    ("platelets", "platelets", "1e9 L-1", (1.0, 2_500.0)),
)
"""Name, words, units and possible range of what is charted in bins; the arterial pressures first, the mean leading."""

NAMES = tuple(sign[0] for sign in SIGNS)
STATURE = ("height", "body_weight")

OUTPUTS = Schema(
    (
        Variable("height", "height, missing where it was not written down", "cm", bounds=(100.0, 230.0), optional=True),
        Variable(
            "body_weight", "weight on admission, missing where unknown", "kg", bounds=(25.0, 320.0), optional=True
        ),
        Variable("outcome", "whether the patient left the hospital alive", dtype="int8", categories=OUTCOMES),
        *(
            Variable(name, f"{words}, missing where not measured", units, ("bin",), bounds=bounds, optional=True)
            for name, words, units, bounds in SIGNS
        ),
    ),
    (
        Dimension(
            "bin",
            size=BINS,
            coordinate=Coordinate(tuple(2.0 + 4.0 * i for i in range(BINS)), "h", "middle of four hours of the stay"),
        ),
    ),
)

BOUNDS = {v.name: v.bounds for v in OUTPUTS if v.bounds is not None}
