"""Every shipped plugin keeps the contract: the conformance kit, one test a check."""

import pytest

from surrogates.plugins.molecule_properties.plugin import PLUGIN as MOLECULE_PROPERTIES
from surrogates.plugins.molecules.plugin import PLUGIN as MOLECULES
from surrogates.testing import plugin_checks

SIMULATES_LONG = ("truth", "measure", "residuals", "codec", "figure", "round_trip", "reference", "fallback", "targets")
"""Parts of the names of checks that simulate: jets come in blocks of a thousand proton collisions."""


def named(checks: list, parts: tuple[str, ...]) -> list:
    """Checks with the slow ones marked."""
    return [
        pytest.param(*check.values, id=check.id, marks=pytest.mark.slow)
        if any(part in str(check.id) for part in parts)
        else check
        for check in checks
    ]


@pytest.mark.parametrize(
    "check",
    named(plugin_checks("particle-events", truth_samples=60, samples=600, measured_samples=1500), ("measure",)),
)
def test_particle_events(check):
    pytest.importorskip("pythia8mc", reason="the reference needs the extra `particles`")
    check()


@pytest.mark.parametrize(
    "check", named(plugin_checks("jets", truth_samples=60, samples=600, measured_samples=1500), SIMULATES_LONG)
)
def test_jets(check):
    pytest.importorskip("pythia8mc", reason="the reference needs the extra `particles`")
    check()


@pytest.mark.parametrize(
    "check",
    named(plugin_checks("galaxy-images", truth_samples=40, samples=150, measured_samples=600), ("measure", "figure")),
)
def test_galaxy_images(check):
    pytest.importorskip("galsim", reason="the reference needs the extra `galaxies`")
    check()


@pytest.mark.parametrize(
    "check", named(plugin_checks(MOLECULES, truth_samples=40, samples=600, measured_samples=300), ("measure",))
)
def test_molecules(check):
    pytest.importorskip("rdkit", reason="judging molecules needs the extra `molecules`")
    pytest.importorskip("fcd_torch", reason="judging molecules needs the extra `molecules`")
    check()


@pytest.mark.parametrize(
    "check",
    plugin_checks(MOLECULE_PROPERTIES, truth_samples=60, samples=1100, measured_samples=400),
)
def test_molecule_properties(check):
    pytest.importorskip("tblite", reason="the reference needs the extra `xtb`")
    check()


@pytest.mark.parametrize(
    "check",
    named(plugin_checks("climate-fields", truth_samples=6, samples=40, measured_samples=200), SIMULATES_LONG),
)
def test_climate_fields(check):
    pytest.importorskip("jcm", reason="the reference needs the extra `climate`")
    check()
