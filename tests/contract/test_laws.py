"""A law is declared from a residual of the domain's physics, and says how it is kept."""

from functools import partial

import pytest
import torch

from surrogates.contract.errors import PluginError
from surrogates.contract.laws import Law
from surrogates.physics.molecules.laws import interval_order
from surrogates.registry import every_plugin


def test_a_law_carries_the_residual_of_its_domain():
    law = Law("gap_interval", partial(interval_order, of="gap"), 1e-9, units="eV")
    outputs = {name: torch.tensor([value]) for name, value in (("gap_low", 2.0), ("gap", 1.5), ("gap_high", 3.0))}
    assert law.residual(outputs, {}).tolist() == [0.5]
    assert (law.strength, law.units) == ("construction", "eV")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strength": "hope"}, "law 'charge': strength 'hope'; expected one of construction, projection, penalty"),
        ({"tolerance": -1.0}, "law 'charge': tolerance -1.0; expected 0 or more"),
        ({"tolerance": float("nan")}, "law 'charge': tolerance nan; expected 0 or more"),
    ],
)
def test_a_law_that_says_nothing_is_refused(wrong, message):
    declared = {"name": "charge", "residual": interval_order, "tolerance": 0.0, **wrong}
    with pytest.raises(PluginError, match=message):
        Law(**declared)


@pytest.mark.parametrize("declared", every_plugin(), ids=lambda declared: declared.name)
def test_every_plugin_names_its_laws_once(declared):
    assert len({law.name for law in declared.constraints}) == len(declared.constraints)
