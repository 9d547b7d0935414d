"""Schedulers behind TLS, and schedulers that die while a run goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surrogates.cli.entry import run

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

SAMPLED = "reference muon-decay -n 4000 --part-size 1000 --polarisation 0.5 --muon-momentum 1GeV --seed 7"
LONG = "reference muon-decay -n 60000 --part-size 3000 --polarisation 0.5 --muon-momentum 1GeV --seed 7"
TLS = "DASK_DISTRIBUTED__COMM__TLS__"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def made(command: str, folder: Path, *options: str) -> int:
    return run([*command.split(), *options, "-o", f"{folder}/"])


@pytest.fixture
def configured(monkeypatch):
    """Sets variables of the environment as a shell does, and has Dask read them."""
    import dask

    def setting(variables: dict[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        dask.config.refresh()

    yield setting
    monkeypatch.undo()
    dask.config.refresh()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """A certificate that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl, which makes a certificate for the test")
    folder = tmp_path_factory.mktemp("certificate")
    files = str(folder / "cert.pem"), str(folder / "key.pem")
    words = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    words += ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    subprocess.run(["openssl", *words, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


@pytest.mark.parametrize("text", ["", "hi", "[]", '{"address": 3}'])
def test_a_scheduler_file_without_an_address_is_refused_at_once(text, tmp_path, capsys):
    (tmp_path / "scheduler.json").write_text(text)
    assert made(SAMPLED, tmp_path / "run", "--scheduler", str(tmp_path / "scheduler.json")) == 2
    assert "scheduler.json holds no address; expected the --scheduler-file" in capsys.readouterr().err


def test_a_scheduler_behind_tls_takes_the_certificate_of_dasks_configuration(certificate, configured, tmp_path, capsys):
    cert, key = certificate
    roles = {f"tls_{role}_{what}": path for role in ("client", "scheduler", "worker")
             for what, path in (("cert", cert), ("key", key))}  # fmt: skip
    security = distributed.Security(require_encryption=True, tls_ca_file=cert, **roles)
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    options |= {"processes": False, "protocol": "tls", "security": security}
    with distributed.LocalCluster(**options) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        assert made(SAMPLED, tmp_path / "bare", "--scheduler", address) == 2
        errors = capsys.readouterr().err
        assert errors.count("surrogates: error") == 1 and f"scheduler: {address} takes no call without" in errors
        assert f"{TLS}CA_FILE" in errors and not list(tmp_path.glob("bare/*"))
        configured({f"{TLS}CA_FILE": cert, f"{TLS}CLIENT__CERT": cert, f"{TLS}CLIENT__KEY": key})
        assert made(SAMPLED, tmp_path / "many", "--scheduler", address) == 0
        configured({f"{TLS}CLIENT__CERT": str(tmp_path / "none.pem")})
        assert made(SAMPLED, tmp_path / "none", "--scheduler", address) == 2
        errors = capsys.readouterr().err
        assert errors.count("surrogates: error") == 1 and "none.pem" in errors
    assert made(SAMPLED, tmp_path / "one") == 0
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


@pytest.mark.slow
def test_a_scheduler_that_dies_is_one_line_and_the_run_goes_on(tmp_path):
    processes, address = started(tmp_path)
    try:
        command = [sys.executable, "-m", "surrogates", *LONG.split(), "-o", "many/"]
        here = subprocess.Popen([*command, "--scheduler", address], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        waited = time.monotonic() + 120
        while not list(tmp_path.glob("many/part-*.nc")):
            assert here.poll() is None and time.monotonic() < waited
            time.sleep(0.01)
        processes[0].kill()
        begun = time.monotonic()
        errors = here.communicate(timeout=120)[1]
        took = time.monotonic() - begun
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
    lines = [line for line in errors.splitlines() if "error" in line.lower() or "Traceback" in line]
    assert here.returncode == 2 and took < 60
    assert lines == ["surrogates: error: scheduler: it went away; what was written is whole, go on with --resume"]
    there = len(list(tmp_path.glob("many/part-*.nc")))
    assert 0 < there < 20
    assert made(LONG, tmp_path / "many", "--resume") == 0
    assert made(LONG, tmp_path / "one") == 0
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def started(folder: Path) -> tuple[list[subprocess.Popen], str]:
    """A scheduler and a worker as `dask scheduler` and `dask worker` start them."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "env": {**os.environ}}
    file = folder / "scheduler.json"
    one = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    first = subprocess.Popen([*one, "--no-dashboard", "--scheduler-file", str(file)], **quiet)
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1"]
    waited = time.monotonic() + 60
    while not file.exists():
        assert first.poll() is None and time.monotonic() < waited
        time.sleep(0.05)
    second = subprocess.Popen([*worker, "--no-dashboard", "--no-nanny"], **quiet)
    return [first, second], str(file)
