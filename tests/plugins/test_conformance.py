"""Every shipped plugin keeps the contract: the conformance kit, one test a check, of whatever is registered."""

from importlib.metadata import PackageNotFoundError, distribution, requires

import pytest
from packaging.requirements import Requirement

from surrogates import registry
from surrogates.testing import plugin_checks

SHIPPED = [entry.name for entry in registry.plugins() if entry.package == "surrogates"]


def missing(extra: str) -> list[str]:
    """What an extra asks for and is not installed."""
    found = []
    for line in requires("surrogates") or ():
        requirement = Requirement(line)
        if requirement.marker is not None and requirement.marker.evaluate({"extra": extra}):
            try:
                distribution(requirement.name)
            except PackageNotFoundError:
                found.append(requirement.name)
    return found


EVERY_CHECK = [
    pytest.param(name, *check.values, id=f"{name}-{check.id}", marks=check.marks)
    for name in SHIPPED
    for check in plugin_checks(name)
]


@pytest.mark.parametrize(("name", "check"), EVERY_CHECK)
def test_a_shipped_plugin_keeps_its_promise(name, check):
    extra = registry.plugin(name).extra
    if absent := missing(extra):
        pytest.skip(f"the extra `{extra}` is not installed: {', '.join(absent)}")
    check()


def test_every_plugin_of_the_package_is_checked():
    folders = {path.parent.name for path in registry.entry(SHIPPED[0]).weights.parents[1].glob("*/plugin.py")}
    assert {registry.entry(name).weights.parent.name for name in SHIPPED} == folders
