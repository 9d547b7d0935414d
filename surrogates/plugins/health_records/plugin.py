"""health-records: who comes to which intensive-care unit -> two days of vital signs and blood values, and the outcome.

The reference is an embedded patient simulator: documented dynamics, treatments, and measurements whose absence says
something. The surrogate draws each cell's level, "not measured" among them, so that gaps and values are one. Beside the
default, weights learned from the public PhysioNet/CinC Challenge 2012: as they are (`--model physionet`), and with
differential privacy (`--model private`).
"""

from __future__ import annotations

from functools import partial

from ...contract.deferred import deferred
from ...contract.laws import Law
from ...contract.plugin import Plugin
from ...io.fhir import fhir_format
from ...io.omop import omop_format
from ...io.patient_tables import pair_format
from ...physics.records.laws import pressure_order, ranges
from .cohort.described import described
from .demographics import complete, prior
from .impostors import IMPOSTORS
from .measure import FEATURES, FIGURES, TARGETS
from .recipes import autoregressive, gan, physionet, private, tables, truth
from .reference import PatientSimulator
from .standards import CARE
from .tidy import TABLES
from .variables import BOUNDS, CONDITIONS, OUTPUTS

PLUGIN = Plugin(
    name="health-records",
    title="Intensive-care stays: vital signs, blood values and their gaps over 48 hours, and the outcome",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    complete=complete,
    truth=truth,
    codec=deferred("surrogates.plugins.health_records.codec:RecordCodec"),
    recipes={
        "autoregressive": autoregressive(),
        "tables": tables(),
        "physionet": physionet(),
        "private": private(),
        "gan": gan(),
    },
    constraints=(
        Law("pressure_order", pressure_order, 0.0, units="torr"),
        Law("ranges", partial(ranges, bounds=BOUNDS), 0.0),
    ),
    measure=FIGURES,
    targets=TARGETS,
    features=FEATURES,
    impostors=IMPOSTORS,
    figure=deferred("surrogates.plugins.health_records.figure:figure"),
    formats=(pair_format(TABLES), omop_format(CARE), fhir_format(CARE)),
    reference=PatientSimulator,
    extra="validate",
    reference_package="numpy",
    found=described,
    checked={
        "truth_samples": 200,
        "samples": 1100,
        "measured_samples": 800,
        "learned_elsewhere": ("physionet",),
        "slow": ("trains", "measure"),
    },
)
