"""Plugins are found by entry point, opened by name, and never take the host down."""

import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

import surrogates
from surrogates import provenance, registry
from surrogates.contract.errors import PluginError, SimulatorMissing, WeightsError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a package of entry points into a folder on the path."""

    def install(package: str, points: dict[str, str], modules: dict[str, str] | None = None):
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {value}" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{lines}\n")
        for name, source in (modules or {}).items():
            folder = tmp_path / name
            folder.mkdir()
            (folder / "__init__.py").write_text("")
            (folder / "plugin.py").write_text(textwrap.dedent(source))
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


def test_an_installed_third_party_plugin_is_listed_with_its_card():
    entry = registry.entry("muon-decay")
    assert entry.package == "surrogates-muon-decay"
    (card,) = entry.cards()
    assert (card.plugin, card.recipe) == ("muon-decay", "flow")
    assert registry.plugin("muon-decay").title == card.title


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(PluginError, match="^muon-decoy: unknown plugin; installed: .*did you mean 'muon-decay'"):
        surrogates.load("muon-decoy")


def test_what_is_installed_meanwhile_is_found(installed):
    assert registry.plugins() is registry.plugins()  # read once
    installed("newcomer", {"newcomer": "newcomer.plugin:PLUGIN"})
    assert "newcomer" in {entry.name for entry in registry.plugins()}
    installed("latecomer", {"latecomer": "latecomer.plugin:PLUGIN"})
    assert {"newcomer", "latecomer"} <= {entry.name for entry in registry.plugins()}


def test_one_name_in_two_packages_is_an_error(installed):
    installed("copycat", {"muon-decay": "copycat.plugin:PLUGIN"})
    with pytest.raises(PluginError, match="^muon-decay: declared by .*copycat.*uninstall one"):
        registry.plugins()


def test_a_plugin_that_does_not_import_warns_and_leaves_the_others(installed):
    installed("broken", {"broken-one": "broken.plugin:PLUGIN"}, {"broken": "import no_such_library_of_a_domain\n"})
    with pytest.warns(UserWarning, match="left out broken-one: .*no_such_library_of_a_domain"):
        names = [plugin.name for plugin in registry.every_plugin()]
    assert "muon-decay" in names and "broken-one" not in names
    with pytest.raises(PluginError, match="^broken-one: .*does not import") as error:
        surrogates.load("broken-one")
    assert "\n" not in str(error.value)


def test_listing_survives_broken_packages(installed):
    installed("gone", {"gone-one": "package_that_is_gone.plugin:PLUGIN", "odd-one": "no_attribute"})
    with pytest.warns(UserWarning) as warned:
        cards = registry.every_card()
    assert cards["gone-one"] == () and len(cards["muon-decay"]) == 1
    said = " ".join(str(warning.message) for warning in warned)
    assert "package_that_is_gone" in said and "odd-one" in said


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("a_number", "PLUGIN = 3\n", "is a int"),
        ("another_name", "from muon_decay.plugin import PLUGIN\n", "calls itself 'muon-decay'"),
    ],
)
def test_an_entry_point_to_something_else_is_an_error(installed, module, source, said):
    installed("strange", {"strange-one": f"{module}.plugin:PLUGIN"}, {module: source})
    with pytest.raises(PluginError, match=f"^strange-one: .*{said}"):
        registry.plugin("strange-one")


def test_an_unknown_recipe_is_an_error():
    with pytest.raises(WeightsError, match="'flaw' is no recipe of muon-decay; expected flow .did you mean 'flow'"):
        surrogates.load("muon-decay", model="flaw")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"device": "abacus"}, "^device: 'abacus'"),
        ({"fallback": "prayer"}, "^fallback: 'prayer'"),
        ({"fallback": "reference", "extrapolate": True}, "choose one"),
        ({"threads": 0}, "^threads: 0"),
    ],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises((surrogates.SchemaError, surrogates.SurrogatesError), match=said):
        surrogates.load("muon-decay", **settings)


def test_a_missing_domain_library_names_the_pip_extra():
    from dataclasses import replace

    from surrogates.sampling.reference import ReferenceSimulator

    def without_library():
        import no_such_simulator  # type: ignore[import-not-found]

        return no_such_simulator

    plugin = replace(registry.plugin("muon-decay"), reference=without_library, extra="muons")
    with pytest.raises(SimulatorMissing, match=r"needs no_such_simulator.*pip install 'surrogates\[muons\]'"):
        ReferenceSimulator.open(plugin)
    with pytest.raises(SimulatorMissing, match="no reference simulator"):
        ReferenceSimulator.open(replace(plugin, reference=None))


def test_versions_name_what_is_installed():
    assert provenance.package_version("numpy") == metadata.version("numpy")
    assert provenance.package_version("no-such-package") == "not installed"
    assert surrogates.__version__ == metadata.version("surrogates")


LISTING = """
import sys, time
start = time.process_time()
from surrogates import registry
cards = registry.every_card()
seconds = time.process_time() - start
heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "xarray", "numpy", "pandas", "muon_decay"})
print(seconds, ",".join(heavy), len(cards))
"""


def test_listing_is_quick_and_imports_no_plugin():
    run = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, check=True)
    seconds, heavy, count = run.stdout.rstrip("\n").split(" ")
    assert heavy == ""
    assert int(count) >= 1
    assert float(seconds) < 0.6


def test_another_process_opens_by_name_only_what_is_installed():
    plugin = registry.plugin("muon-decay")
    recipe = replace(plugin.recipes["flow"], sample_batch=8)
    changed = replace(plugin, recipes={"flow": recipe})
    (card,) = registry.entry("muon-decay").cards()
    assert registry.portable(plugin, card) == registry.portable(plugin) == "muon-decay"
    assert registry.portable(changed, card) is changed
    assert registry.portable(changed) is changed


def test_the_extra_all_brings_what_every_plugin_needs():
    import tomllib

    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = declared["optional-dependencies"]
    named = {name for line in extras["all"] for name in re.findall(r"[\w-]+", line.partition("[")[2])}
    needed = {entry.load().extra for entry in registry.plugins() if entry.package == "surrogates"}
    assert needed - {""} <= named <= set(extras)
