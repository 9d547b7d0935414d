"""What the figures of jets should reach: published distances within twice the truth's own, and classifiers."""

from __future__ import annotations

from collections.abc import Mapping

from ...contract.findings import Target
from ...contract.plugin import Features
from .measure import PT_BINS, SHAPES, features, flat_low_level, low_level
from .simulation import JET_TYPES

N_JETS = 150_000  # 50,000 a type

_DISTANCES = {
    "w1_mass": "1-Wasserstein distance of the constituents' relative mass (W1M)",
    "w1_constituents": "1-Wasserstein distance of constituent features, mean of three (W1P)",
    "w1_energy_flow": "1-Wasserstein distance of five energy flow polynomials, mean (W1EFP)",
}
_WHOLE = {
    "fpd": ("Frechet physics distance of energy flow polynomials", "1"),
    "uncovered": ("truth jets without a near neighbour among the samples", "1"),
    "w1_jet_mass": ("1-Wasserstein distance of the jet mass", "GeV"),
    "w1_n_constituents_all": ("1-Wasserstein distance of the multiplicity", "1"),
}


def _targets() -> dict[str, Target]:
    targets = {
        "auc_high_level": Target(
            N_JETS, at_most=0.65, description="two-sample classifier, gradient boosting on high-level observables"
        ),
        "auc_low_level_boosting": Target(
            N_JETS, description="two-sample classifier, gradient boosting on constituents"
        ),
        "auc_low_level_set_network": Target(
            N_JETS, description="two-sample classifier, permutation-invariant network on constituents"
        ),
    }
    for kind in JET_TYPES:
        for name, text in _DISTANCES.items():
            floors = 2.0 if name != "w1_energy_flow" else None
            targets[f"{kind}/{name}"] = Target(N_JETS, floors=floors, description=text)
            for low, high in PT_BINS:
                targets[f"{kind}/{low:.0f}-{high:.0f}/{name}"] = Target(
                    N_JETS, floors=floors, description=f"{text}, {low:.0f}-{high:.0f} GeV"
                )
        for name, (text, units) in _WHOLE.items():
            targets[f"{kind}/{name}"] = Target(N_JETS, units=units, description=text)
        for name in SHAPES:
            targets[f"{kind}/w1_{name}"] = Target(N_JETS, description=f"1-Wasserstein distance of {name}")
    return targets


TARGETS: Mapping[str, Target] = _targets()

FEATURES = Features(high_level=features, low_level=low_level, flat_low_level=flat_low_level)
"""Inputs of the shared two-sample classifiers."""
