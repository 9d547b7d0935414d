"""check_plugin, the conformance kit: small named checks that say what a plugin promises and which promise it breaks.

>>> from surrogates.testing import check_plugin
>>> check_plugin("muon-decay")

or one test a check, with readable names, in pytest:

>>> @pytest.mark.parametrize("check", plugin_checks("muon-decay"))
... def test_plugin(check):
...     check()
"""

from __future__ import annotations

from .kit import Check, check_plugin, checks, plugin_checks
from .subject import Subject

__all__ = ["Check", "Subject", "check_plugin", "checks", "plugin_checks"]
