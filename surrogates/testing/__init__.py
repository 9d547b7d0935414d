"""check_plugin, the conformance kit: small named checks that say what a plugin promises and which promise it breaks.

>>> from surrogates.testing import check_plugin
>>> print(check_plugin("muon-decay"))  # what passed, and what was skipped and why

or one test a check, with readable names, in pytest:

>>> @pytest.mark.parametrize("check", plugin_checks("muon-decay"))
... def test_plugin(check):
...     check()
"""

from __future__ import annotations

from .kit import Check, Report, check_plugin, checks, plugin_checks
from .subject import Skipped, Subject

__all__ = ["Check", "Report", "Skipped", "Subject", "check_plugin", "checks", "plugin_checks"]
