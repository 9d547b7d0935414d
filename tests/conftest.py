"""How the tests are shared out: what computes something once stays together in one process."""

from __future__ import annotations

import pytest

TOGETHER = "tests/plugins/molecules/"
"""A folder whose files share a generator that is trained once."""


def shared_by(nodeid: str) -> str:
    """The group of a test: its file, its folder where files share what they train, or its plugin in the kit of checks.

    The checks of a plugin share its truth and each recipe's samples.
    """
    file, _, test = nodeid.partition("::")
    if "promise[" in test:
        return f"{file} {test.partition('[')[2].partition('-check_')[0]}"
    return TOGETHER if file.startswith(TOGETHER) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Groups go to one process each, in the order of `shared_by` and largest first."""
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return shared_by(nodeid)

    return Grouped(config, log)
