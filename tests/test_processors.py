"""The suite rests on no one processor: tests of what torch computes pass on every instruction set and thread count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
FOLDERS = (
    "models", "networks", "physics", "sampling/test_surrogate.py", "sampling/test_calls.py", "sampling/test_fields.py",
    "sampling/test_together.py", "training", "survey", "plugins/molecules", "plugins/galaxy_images",
    "plugins/test_hadron_interactions.py", "plugins/test_image_folder.py", "plugins/test_cosmic_web.py",
    "plugins/test_health_records.py", "plugins/test_health_records_tables.py", "plugins/test_climate_fields.py",
)  # fmt: skip
"""Whose results torch computes; what files and processes do is the same on every processor."""


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("capability", ["default", "avx2", None])
def test_the_suite_passes_on_this_instruction_set(capability, threads):
    """``ATEN_CPU_CAPABILITY`` makes torch take the kernels of an older processor; None takes this one's."""
    environment = {key: value for key, value in os.environ.items() if key != "ATEN_CPU_CAPABILITY"}
    environment |= {"OMP_NUM_THREADS": str(threads)} | ({"ATEN_CPU_CAPABILITY": capability} if capability else {})
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(ROOT / folder) for folder in FOLDERS)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout[-4000:]
