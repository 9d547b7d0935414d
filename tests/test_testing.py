"""The conformance kit passes a sound plugin and names what a broken one breaks."""

from __future__ import annotations

import pytest

from surrogates.testing import plugin_checks


@pytest.mark.parametrize("check", plugin_checks("muon-decay"))
def test_the_third_party_plugin_keeps_every_promise(check):
    check()
