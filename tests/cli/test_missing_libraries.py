"""A library that is not installed is one line that names its extra, wherever it is missed."""

import sys

import pytest

from surrogates.cli import entry
from surrogates.provenance import extra_of


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("photutils.segmentation", "galaxies"),
        ("galsim", "galaxies"),
        ("rdkit.Chem", "molecules"),
        ("matplotlib.figure", "validate"),
        ("sklearn.metrics", "validate"),
        ("jinja2", "validate"),
        ("pyarrow", "parquet"),
        ("tblite.interface", "xtb"),
        ("lightning_fabric", "train"),
        ("pythia8mc", "particles"),
        ("pyhepmc", "formats"),
        ("numpy", None),
        ("no_such_library", None),
    ],
)
def test_each_optional_library_has_its_extra(module, extra):
    assert extra_of(module) == extra


@pytest.mark.parametrize(
    ("library", "command", "extra"),
    [
        ("photutils", ["generate", "galaxy-images", "-n", "1", "--prior", "-o", "{}/g.fits"], "galaxies"),
        ("rdkit", ["generate", "molecules", "-n", "1", "-o", "{}/m.smi"], "molecules"),
        ("matplotlib", ["plot", "jets", "{}/jets.nc", "-o", "{}/jets.png"], "validate"),
        ("lightning_fabric", ["train", "jets", "--run", "{}/run", "--updates", "1"], "train"),
    ],
)
def test_a_command_without_its_library_says_in_one_line_what_to_install(
    library, command, extra, tmp_path, monkeypatch, capsys
):
    if library == "matplotlib":
        assert entry.run(["generate", "jets", "-n", "20", "--prior", "-o", f"{tmp_path}/jets.nc"]) == 0
    for name in [name for name in sys.modules if name == library or name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    capsys.readouterr()
    code = entry.run([part.format(tmp_path) for part in command])
    said = capsys.readouterr().err.strip().splitlines()
    if library == "photutils":  # writing FITS needs no measuring tool, where segments are not asked
        assert code in (0, 2)
    else:
        assert code == 2
    if code:
        assert len(said) == 1 and f"pip install 'surrogates[{extra}]'" in said[0] and "unexpected" not in said[0]
