"""torchrun as the documentation shows it: two ranks that learn what one process does, and one of them that writes."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
pytest.importorskip("lightning_fabric", reason="the extra `train` is not installed")

import json

from surrogates.training.checkpoints import read_log

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
SHOWN = [line.strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("    torchrun")]
LINES = [line.partition("    ")[0] for line in SHOWN]
UPDATES = 20


def ended(*words: str, folder: Path) -> str:
    """What a command said on stdout."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    found = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=500)
    assert found.returncode == 0, found.stderr[-2000:]
    return found.stdout


def losses(folder: Path) -> list[float]:
    return [line["losses"]["flow"] for line in read_log(folder)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    options = ("--updates", str(UPDATES), "--device", "cpu", "--run", str(folder))
    ended(sys.executable, "-m", "surrogates", "train", "muon-decay", *options, folder=folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES)
def test_two_ranks_learn_what_one_process_does(line, alone, tmp_path):
    first, *words = shlex.split(line.replace("jets", "muon-decay").replace("mine/", "mine"))
    assert first == "torchrun" and words[:2] == ["--nproc-per-node", "2"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    folder = tmp_path / ("mine" if "--run" in words else "runs/muon-decay-flow")
    launched = (sys.executable, "-m", "torch.distributed.run", "--master-port", port)
    said = ended(*launched, *words, "--updates", str(UPDATES), "--json", folder=tmp_path)
    (summary,) = [json.loads(said)]  # of the first rank alone
    assert summary["run"] == str(folder.relative_to(tmp_path))
    assert losses(folder) == pytest.approx(losses(alone), rel=1e-3, abs=1e-6)
    assert sorted(path.name for path in folder.glob("*.safetensors")) == ["flow.safetensors"]


def test_the_page_shows_both_ways():
    assert len(LINES) == 2 and sum(" -- " in line for line in LINES) == 1
