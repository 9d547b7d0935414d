"""A run goes on with the settings that its bytes depend on, however they are written, and with no others."""

from __future__ import annotations

import pytest

from surrogates.cli.entry import run

RUN = ("-n", "4000", "--part-size", "2048", "--seed", "3")


def test_a_condition_is_the_same_in_whatever_unit_it_is_typed(tmp_path, capsys):
    target = ("-o", f"{tmp_path}/run/")
    assert run(["reference", "muon-decay", *RUN, "--muon-momentum", "1.5", *target]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    for typed in ("1.5GeV", "1500 MeV", "1.50"):
        assert run(["reference", "muon-decay", *RUN, "--muon-momentum", typed, *target, "--resume"]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
    capsys.readouterr()
    assert run(["reference", "muon-decay", *RUN, "--muon-momentum", "1.6", *target, "--resume"]) == 2
    assert "the run there has conditions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "named"),
    [(("--extrapolate",), "extrapolate"), (("--compression", "gzip"), "compression"), (("--threads", "2"), "threads")],
)
def test_a_setting_that_changes_bytes_is_compared(tmp_path, capsys, changed, named):
    target = ("--muon-momentum", "1.5", "-o", f"{tmp_path}/run/")
    assert run(["generate", "muon-decay", *RUN, *target]) == 0
    capsys.readouterr()
    assert run(["generate", "muon-decay", *RUN, *target, *changed, "--resume"]) == 2
    assert f"the run there has {named} = " in capsys.readouterr().err


def test_the_bytes_do_not_depend_on_how_many_samples_are_in_memory(tmp_path):
    for block in ("1024", "2048"):
        target = ("--muon-momentum", "1.5", "-o", f"{tmp_path}/{block}/")
        assert run(["generate", "muon-decay", *RUN, *target, "--block", block]) == 0
    names = sorted(path.name for path in (tmp_path / "1024").iterdir())
    for name in names:
        assert (tmp_path / "1024" / name).read_bytes() == (tmp_path / "2048" / name).read_bytes(), name
