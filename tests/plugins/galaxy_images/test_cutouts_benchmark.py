"""What the benchmark of cutouts keeps in its folder is whole, and of the galaxies and updates that are asked."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("galsim")
pytest.importorskip("astropy")


@pytest.fixture(scope="module")
def benchmark():
    source = Path(__file__).parents[3] / "benchmarks" / "galaxy_cutouts.py"
    spec = importlib.util.spec_from_file_location("galaxy_cutouts_benchmark", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cutouts_of_a_killed_call_and_of_other_galaxies_are_not_learned_from(benchmark, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "measured", lambda dataset: {})
    write, kept = benchmark.write_folder, tmp_path / "signal-30-4-24"

    def level(galaxies: int) -> None:
        observed = benchmark.seen(benchmark.asked(galaxies, 24, size=64))
        benchmark.one_level(tmp_path, 30.0, observed, np.ones((galaxies, 3, 64, 64)), 9, 2, 24, ())

    def killed(folder, *rest):
        (folder / "stamps").mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "write_folder", killed)
    with pytest.raises(KeyboardInterrupt):
        level(4)
    monkeypatch.setattr(benchmark, "write_folder", write)
    level(4)
    assert (kept / "data" / "psf.fits").is_file() and len(list((kept / "data" / "stamps").iterdir())) == 4
    level(8)
    assert len(list((tmp_path / "signal-30-8-24" / "data" / "stamps").iterdir())) == 8
