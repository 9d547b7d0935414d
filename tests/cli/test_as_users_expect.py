"""What a user expects of any command line: pictures by suffix, completion, progress, exit codes, names in `dir`."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import surrogates
from surrogates.cli.entry import COMPLETE, run
from surrogates.counting import Counter
from surrogates.sampling.files import read_whole

MUONS = ("reference", "muon-decay", "--polarisation", "0.5", "--muon-momentum", "1GeV")


def call(*words: object) -> int:
    return run([str(word) for word in words])


def test_dir_shows_the_public_names():
    shown = dir(surrogates)
    assert {"load", "reference", "read", "text", "Plugin", "Schema", "__version__"} <= set(shown)
    assert not [name for name in shown if name.startswith("_") and name != "__version__"]
    assert all(getattr(surrogates, name) is not None for name in shown)


def test_the_completion_of_each_shell_is_produced_and_works():
    for shell in ("bash", "zsh", "fish"):
        made = subprocess.run(
            [sys.executable, "-c", "from surrogates.cli import main; main()"],
            env={**os.environ, COMPLETE: f"{shell}_source"},
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0 and "_surrogates_completion" in made.stdout and COMPLETE in made.stdout
    for words, expected in (("surrogates gen", "generate"), ("surrogates generate muon", "muon-decay")):
        asked = {COMPLETE: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        found = subprocess.run(
            [sys.executable, "-c", "from surrogates.cli import main; main()"],
            env={**os.environ, **asked},
            capture_output=True,
            text=True,
        )
        assert f"plain,{expected}" in found.stdout.splitlines(), found.stderr


def test_a_picture_is_drawn_where_a_picture_is_asked(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert call(*MUONS, "-n", 50, "-o", tmp_path / "m.png") == 0
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    assert call(*MUONS, "-n", 50, "-o", tmp_path / "m.png") == 2
    assert "m.png exists already" in capsys.readouterr().err
    assert call(*MUONS, "-n", 50, "-o", tmp_path / "m.svg", "--overwrite") == 0
    assert call(*MUONS, "-n", 0, "-o", tmp_path / "none.png") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.png", "m.svg"]


def test_parts_are_merged_into_any_format_of_the_plugin(tmp_path, capsys):
    command = ("generate", "molecule-properties", "--conditions", tmp_path / "l.csv", "--part-size", 512)
    (tmp_path / "l.csv").write_text("smiles\n" + "CCO\nCCN\nCCC\n" * 200)
    pytest.importorskip("rdkit")
    assert call(*command, "-o", f"{tmp_path}/lots/") == 0
    assert call("merge", tmp_path / "lots", tmp_path / "lots.csv") == 0
    assert call("merge", tmp_path / "lots", tmp_path / "lots.nc") == 0
    whole = read_whole(tmp_path / "lots.nc")
    table = surrogates.read(tmp_path / "lots.csv")
    for name in ("sample", "smiles", "gap", "status"):
        np.testing.assert_array_equal(table[name].values, whole[name].values)
    capsys.readouterr()
    assert call("merge", tmp_path / "lots", tmp_path / "lots.fits") == 2
    assert "unknown file suffix (.fits); known: .nc, .nc4, .h5, .hdf5, .smi" in capsys.readouterr().err


def test_what_takes_long_says_so_though_nothing_is_counted(capsys, monkeypatch):
    monkeypatch.setattr("surrogates.counting.PATIENCE", 0.2)
    monkeypatch.setattr("surrogates.counting.PLAIN_INTERVAL", 0.3)
    with Counter("reading", None) as progress:
        time.sleep(0.4)
        progress.stage("classifiers")
        time.sleep(0.5)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("reading (") and said[-1].startswith("classifiers (") and 2 <= len(said) <= 4
    with Counter("quick", None):
        pass
    time.sleep(0.3)
    assert capsys.readouterr().err == ""


def test_info_says_how_text_is_read_in_python(capsys):
    for name, variable in (("molecules", "smiles"), ("molecule-properties", "smiles"), ("crystals", "formula")):
        assert run(["info", name]) == 0
        assert f'text: surrogates.text(samples, "{variable}")' in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="processes end by signal")
def test_a_run_that_timeout_ends_leaves_nothing(tmp_path):
    words = [*MUONS, "-n", "3000000", "--seed", "1", "--compression", "gzip", "-o", str(tmp_path / "m.nc")]
    code = f"from surrogates.cli import main; main({words!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".m.nc.*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert b"surrogates: error: ended by SIGTERM; nothing is left half-written" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="processes end by signal")
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("where", ["finalised", "excepted"])
def test_a_signal_that_something_drops_is_not_lost(number, code, where):
    program = f"""
import os, signal, time
from surrogates.cli import entry

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), {int(number)})
        for _ in range(1000):
            pass

def finalised():
    Dropped()

def excepted():
    try:
        os.kill(os.getpid(), {int(number)})
        time.sleep(1)
    except:
        pass

def goes_on(*_):
    {where}()
    time.sleep(20)

entry.surrogates.invoke = goes_on
entry.main(["info"])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.returncode == code and "nothing is left half-written" in ended.stderr
