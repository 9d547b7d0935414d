"""The command line, on an installed third-party plugin: calls, options from the schema, exit codes, errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from surrogates.cli.conditions import condition_options, read_table
from surrogates.cli.entry import run
from surrogates.contract.errors import SchemaError
from surrogates.contract.schema import Schema, Variable
from surrogates.io import FormatError
from surrogates.sampling.files import read_whole

NAME = "muon-decay"
SCHEMA = Schema(
    (
        Variable("beam_energy", "energy of the beam", "GeV", bounds=(1.0, 100.0)),
        Variable("charge_sign", "sign of the charge", dtype="int8", categories=("minus", "plus"), default=0),
        Variable("impact", "impact parameter", "mm", optional=True),
    )
)

pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def generate(path: Path, *more: object, n: int = 50) -> int:
    return call("generate", NAME, "-n", n, "--muon-momentum", "1GeV", "-o", path, *more)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line of a refused call; nothing on stdout, no traceback."""
    capsys.readouterr()
    code = call(*arguments)
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if not line.startswith("surrogates: warning")]
    assert len(lines) == 1
    assert lines[0].startswith("surrogates: error: ")
    return lines[0]


def test_list_names_plugin_and_its_weights(capsys):
    assert call("list", "--json") == 0
    plugins = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["plugins"]}
    assert plugins[NAME]["package"] == "surrogates-muon-decay"
    assert [model["recipe"] for model in plugins[NAME]["models"]] == ["flow"]


def test_a_plugin_on_another_ones_weights_is_listed_by_its_own_name(capsys):
    assert call("list") == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.split()[1:2] == ["unet"]].count("mri-to-ct") == 1
    assert "one set of weights with ct-to-mri" in printed


def test_list_imports_neither_torch_nor_numpy_nor_a_plugin():
    code = (
        "import sys; from surrogates.cli.entry import run; run(['list']);"
        "print([name for name in ('torch', 'numpy', 'xarray', 'muon_decay') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_info_states_units_ranges_and_laws(capsys):
    assert call("info", NAME) == 0
    printed = capsys.readouterr().out
    assert "muon_momentum  GeV" in printed
    assert "0 to 10 GeV" in printed
    assert "mass_shell" in printed
    assert call("info", NAME, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["conditions"][0] == {
        "name": "muon_momentum",
        "long_name": "momentum of the muon",
        "units": "GeV",
        "dims": ["sample"],
        "dtype": "float64",
        "bounds": [0.0, 10.0],
        "categories": None,
        "optional": False,
        "default": None,
    }


def test_conditions_become_options_with_units_range_and_labels():
    number, label, optional = condition_options(SCHEMA)
    assert number.opts == ["--beam-energy"]
    assert number.metavar == "NUMBER[GeV]"
    assert "1 to 100 GeV; required" in (number.help or "")
    assert label.metavar == "[minus|plus]"
    assert "minus by default" in (label.help or "")
    assert "may be left out" in (optional.help or "")


def test_table_rows_are_repeated_and_units_converted(tmp_path):
    table = tmp_path / "runs.csv"
    table.write_text("beam_energy [MeV],charge_sign,n\n5000,plus,2\n7000,minus,1\n")
    rows = read_table(table, SCHEMA, {}, each=1)
    assert rows["beam_energy"].values == pytest.approx([5.0, 5.0, 7.0])
    assert rows["charge_sign"].values.tolist() == [1, 1, 0]
    assert np.isnan(rows["impact"].values).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("beam_enrgy\n5\n", "did you mean 'beam_energy'"),
        ("beam_energy,charge_sign\n5\n", "line 2 has 1 cells"),
        ("beam_energy [m]\n5\n", "expected GeV"),
        ("beam_energy,n\n5,-1\n", "samples, 0 or more"),
        ("", "the file is empty"),
    ],
)
def test_broken_table_is_refused_by_column_or_line(tmp_path, content, said):
    table = tmp_path / "runs.csv"
    table.write_text(content)
    with pytest.raises((SchemaError, FormatError), match="runs.csv") as caught:
        read_table(table, SCHEMA, {}, each=1)
    assert said in str(caught.value)


@pytest.mark.parametrize("suffix", [".nc", ".h5"])
def test_generate_writes_the_format_of_the_suffix(tmp_path, capsys, suffix):
    path = tmp_path / f"decays{suffix}"
    assert generate(path, "--seed", 3, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["samples"] == 50
    assert facts["residuals"]["mass_shell"] < 1e-9
    samples = read_whole(path)
    assert samples.sizes["sample"] == 50
    assert samples["muon_momentum"].values == pytest.approx(np.full(50, 1.0))
    assert samples.attrs["seed"] == 3


def test_equal_seeds_give_equal_samples_in_one_call_or_in_shares(tmp_path):
    assert generate(tmp_path / "whole.nc", n=3000) == 0
    whole = read_whole(tmp_path / "whole.nc")
    shares = []
    for index in (1, 2):
        assert generate(tmp_path / f"{index}.nc", "--shard", f"{index}/2", "--block", 700, n=3000) == 0
        shares.append(read_whole(tmp_path / f"{index}.nc"))
    for name in ("sample", "positron_energy", "decay_time"):
        assert np.array_equal(np.concatenate([share[name].values for share in shares]), whole[name].values)


def test_zero_samples_are_a_valid_file(tmp_path):
    assert generate(tmp_path / "none.nc", n=0) == 0
    assert read_whole(tmp_path / "none.nc").sizes["sample"] == 0


def test_reference_takes_the_same_call(tmp_path):
    path = tmp_path / "reference.nc"
    assert call("reference", NAME, "-n", 20, "--muon-momentum", "500 MeV", "--seed", 2, "-o", path) == 0
    samples = read_whole(path)
    assert samples.attrs["recipe"] == "reference"
    assert samples["muon_momentum"].values == pytest.approx(np.full(20, 0.5))


def test_folder_of_shards_resumes_merges_and_verifies(tmp_path, capsys):
    folder = f"{tmp_path}/out/"
    size = ("--part-size", 1024)
    assert generate(folder, *size, n=3000) == 0
    first = {path.name: path.read_bytes() for path in Path(folder).glob("part-*.nc")}
    assert len(first) == 3
    assert "--resume" in refused(capsys, "generate", NAME, "-n", 3000, "--muon-momentum", 1, "-o", folder, *size)
    (Path(folder) / "part-00001.nc").unlink()
    assert call("verify", folder) == 1
    assert generate(folder, *size, "--resume", n=3000) == 0
    assert {path.name: path.read_bytes() for path in Path(folder).glob("part-*.nc")} == first
    assert call("merge", folder, tmp_path / "all.nc") == 0
    assert read_whole(tmp_path / "all.nc").sizes["sample"] == 3000
    assert call("verify", folder, tmp_path / "all.nc", NAME) == 0


def test_convert_keeps_values_and_attributes(tmp_path):
    assert generate(tmp_path / "a.nc") == 0
    assert call("convert", tmp_path / "a.nc", tmp_path / "b.h5") == 0
    before, after = read_whole(tmp_path / "a.nc"), read_whole(tmp_path / "b.h5")
    assert np.array_equal(before["positron_pz"].values, after["positron_pz"].values)
    assert after.attrs["weights_sha256"] == before.attrs["weights_sha256"]


def test_out_of_range_is_refused_unless_allowed_and_marked(tmp_path, capsys):
    far = ("generate", NAME, "-n", 4, "--muon-momentum", 50)
    line = refused(capsys, *far, "-o", tmp_path / "a.nc")
    assert "muon_momentum: 50 GeV is out of range; expected 0 to 10 GeV" in line
    assert list(tmp_path.iterdir()) == []
    assert call(*far, "--extrapolate", "-o", tmp_path / "a.nc") == 0
    samples = read_whole(tmp_path / "a.nc")
    label = str(samples["source"].attrs["flag_meanings"]).split()[int(samples["source"].values[0])]
    assert label == "extrapolated"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("generate", "muon-deca", "-n", 1), "did you mean 'muon-decay'"),
        (("generate", NAME, "-n", 1, "-o", "a.nc"), "muon_momentum: missing condition"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "3 s", "-o", "a.nc"), "expected GeV"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "fast", "-o", "a.nc"), "'fast' is not a number"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "nan", "-o", "a.nc"), "not finite"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "inf", "-o", "a.nc"), "not finite"),
        (("generate", NAME, "-n", -1, "--muon-momentum", "1", "-o", "a.nc"), "n: -1"),
        (("generate", NAME, "-n", 1, "--muon-mometum", "1", "-o", "a.nc"), "--muon-mometum"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "1", "-o", "a.xyz"), "unknown file suffix"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "1", "-o", "no/such/a.nc"), "does not exist"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "1", "-o", "a.nc", "--model", "gan"), "no recipe"),
        (("generate", NAME, "-n", 9, "--muon-momentum", "1", "-o", "a/", "--part-size", 256), "expected 1,024"),
        (
            ("generate", NAME, "-n", 9, "--muon-momentum", "1", "-o", "a/", "--part-size", 3000),
            "expected 2,048 or 3,072",
        ),
        (("generate", NAME, "-n", 1, "--muon-momentum", "1", "-o", "a.nc", "--shard", "3/2"), "--shard"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "1", "-o", "a.nc", "--resume"), "--resume"),
        (("generate", NAME, "--muon-momentum", "1", "-o", "a.nc"), "-n is missing"),
        (("generate", NAME, "-n", 1, "--muon-momentum", "1"), "--output"),
        (("convert", "none.nc", "a.h5"), "none.nc"),
        (("validate", NAME, "none.nc", "--reference", "none.nc"), "no such file"),
        (("train", NAME, "--model", "gan"), "no recipe"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_existing_output_stays_unless_overwritten(tmp_path, capsys):
    path = tmp_path / "a.nc"
    assert generate(path) == 0
    before = path.read_bytes()
    assert "--overwrite" in refused(capsys, "generate", NAME, "-n", 5, "--muon-momentum", 1, "-o", path)
    assert path.read_bytes() == before
    assert generate(path, "--overwrite", n=5) == 0
    assert read_whole(path).sizes["sample"] == 5


def test_truncated_and_foreign_files_are_named(tmp_path, capsys):
    assert generate(tmp_path / "a.nc") == 0
    (tmp_path / "cut.nc").write_bytes((tmp_path / "a.nc").read_bytes()[:700])
    (tmp_path / "foreign.h5").write_bytes(b"not an HDF5 file at all")
    assert "cut.nc" in refused(capsys, "convert", tmp_path / "cut.nc", tmp_path / "b.h5")
    assert "foreign.h5" in refused(capsys, "convert", tmp_path / "foreign.h5", tmp_path / "b.nc")
    assert call("verify", tmp_path / "cut.nc") == 1


def test_altered_values_break_a_law(tmp_path, capsys):
    from surrogates.io import NETCDF

    assert generate(tmp_path / "a.nc") == 0
    samples = read_whole(tmp_path / "a.nc")
    NETCDF.write([samples.assign(positron_pz=samples["positron_pz"] * 1.01)], tmp_path / "b.nc")
    capsys.readouterr()
    assert call("verify", tmp_path / "b.nc") == 1
    assert "the law mass_shell is broken" in capsys.readouterr().out


def test_altered_weights_are_refused(tmp_path, capsys):
    import muon_decay

    released = Path(muon_decay.__file__).parent / "weights"
    for suffix in (".json", ".safetensors"):
        content = bytearray((released / f"flow{suffix}").read_bytes())
        if suffix == ".safetensors":
            content[-1] ^= 1
        (tmp_path / f"flow{suffix}").write_bytes(content)
    weights = ("--weights", tmp_path / "flow.safetensors")
    line = refused(capsys, "generate", NAME, "-n", 1, "--muon-momentum", 1, "-o", tmp_path / "a.nc", *weights)
    assert "sha256" in line


def test_validate_reports_and_its_exit_code_can_be_trusted(tmp_path, capsys):
    n, quick = 4000, ("--quick", "-n", 2000)
    truth = tmp_path / "truth.nc"
    assert call("reference", NAME, "-n", n, "--prior", "--seed", 5, "-o", truth) == 0
    assert call("generate", NAME, "--conditions", truth, "--seed", 6, "-o", tmp_path / "good.nc") == 0
    assert call("generate", NAME, "-n", n, "--prior", "--polarisation", 0, "-o", tmp_path / "blind.nc") == 0
    capsys.readouterr()
    report = tmp_path / "report.html"
    options = ("--reference", truth, *quick, "--json")
    good = call("validate", NAME, tmp_path / "good.nc", *options, "--report", report)
    facts = json.loads(capsys.readouterr().out)
    assert good == (0 if facts["met"] else 1)
    assert {finding["name"] for finding in facts["findings"]} >= {"energy_w1", "asymmetry"}
    assert facts["remarks"] == []
    assert "<title>Validation of muon-decay</title>" in report.read_text()
    assert call("validate", NAME, tmp_path / "blind.nc", *options) == 1
    blind = json.loads(capsys.readouterr().out)
    assert "asymmetry" in blind["unmet"]
    assert any(remark.startswith("polarisation") for remark in blind["remarks"])


def test_plot_draws_a_picture(tmp_path, capsys):
    assert generate(tmp_path / "a.nc", n=500) == 0
    assert call("plot", NAME, tmp_path / "a.nc", "--seed", "0", "-o", tmp_path / "a.png") == 2
    assert "--seed with --walk" in capsys.readouterr().err and not (tmp_path / "a.png").exists()
    assert call("plot", NAME, tmp_path / "a.nc", "-o", tmp_path / "a.png") == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_interruption_leaves_nothing_and_exits_130(tmp_path, monkeypatch, capsys):
    from surrogates.sampling.surrogate import Surrogate

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Surrogate, "_run", interrupted)
    assert generate(tmp_path / "a.nc") == 130
    assert "interrupted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_unexpected_errors_are_one_line_with_code_3(tmp_path, monkeypatch, capsys):
    from surrogates.sampling.surrogate import Surrogate

    def broken(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Surrogate, "_run", broken)
    assert generate(tmp_path / "a.nc") == 3
    assert capsys.readouterr().err.splitlines()[-1].startswith("surrogates: error: unexpected ZeroDivisionError")
    assert list(tmp_path.iterdir()) == []


def test_closed_pipe_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "surrogates.cli", "list"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == ""


def test_interrupted_output_on_a_full_device_is_refused(capsys):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "surrogates.cli", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("surrogates: error: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_field_condition_is_read_from_its_file(tmp_path):
    pytest.importorskip("galsim")
    from astropy.io import fits

    y, x = np.mgrid[-20:21, -20:21]
    width = 3.0
    fits.PrimaryHDU(np.exp(-(x**2 + y**2) / (2 * width**2))).writeto(tmp_path / "psf.fits")
    given = ("galaxy-images", "-n", 2, "--psf", "image", "--psf-image", tmp_path / "psf.fits", "--morphology", "spiral")
    for command in ("generate", "reference"):
        assert call(command, *given, "-o", tmp_path / f"{command}.nc") == 0
        there = read_whole(tmp_path / f"{command}.nc")
        assert there["psf_image"].shape == (2, 41, 41) and np.isfinite(there["image"]).all()
