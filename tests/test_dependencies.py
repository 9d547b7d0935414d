"""Who may import whom, what `import surrogates` costs, and how long a file may get."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "surrogates"
LONGEST = 430
DOMAIN_LIBRARIES = {
    "PIL", "awkward", "fastjet", "fcd_torch", "galsim", "matplotlib", "photutils", "pyarrow", "pyhepmc", "pylhe",
    "pythia8mc", "rdkit", "selfies", "sklearn", "statmorph", "tblite", "uproot", "vector",
}  # fmt: skip
DOMAIN_ROOMS = {"plugins", "physics", "io", "registry", "surrogate"}
ON_TOP = {"survey", "web", "cli", "benchmarks", "demo", "report", "testing"}
FILES = sorted(path for path in PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, *, at_import_time: bool = False) -> Iterator[str]:
    """Absolute names of what a module imports; blocks for the type checker are left out."""
    package = dotted(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    waiting: list[ast.AST] = [parsed(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if at_import_time and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def rooms(path: Path) -> set[str]:
    """Rooms of ours that a module imports: ``schema``, ``physics``, ``plugins.jets``."""
    found = set()
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "surrogates" and len(parts) > 1:
            found.add(".".join(parts[1:3]) if parts[1] in ("plugins", "physics") else parts[1])
    return found


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:2]) if parts[0] in ("plugins", "physics") and len(parts) > 1 else parts[0]


def of(*names: str) -> list[Path]:
    return [path for path in FILES if room(path) in names or room(path).split(".")[0] in names]


@pytest.mark.parametrize("name", ["schema", "noise", "simulator", "errors", "batches"])
def test_the_foundations_import_nothing_of_ours(name):
    assert rooms(PACKAGE / f"{name}.py") == set()


@pytest.mark.parametrize("path", of("physics"), ids=dotted)
def test_physics_imports_only_itself(path):
    assert {name for name in rooms(path) if name != room(path) and name != "physics"} == set()


@pytest.mark.parametrize("path", of("io"), ids=dotted)
def test_io_imports_only_itself(path):
    assert rooms(path) <= {"io"}


@pytest.mark.parametrize("path", of("models", "networks", "training"), ids=dotted)
def test_models_and_networks_know_no_domain(path):
    for name in rooms(path):
        assert name.split(".")[0] not in {*ON_TOP, *DOMAIN_ROOMS}, f"{dotted(path)} imports {name}"


@pytest.mark.parametrize("path", of("plugins"), ids=dotted)
def test_a_plugin_imports_no_other_plugin_and_nothing_on_top(path):
    for name in rooms(path):
        assert name.split(".")[0] not in ON_TOP, f"{dotted(path)} imports {name}"
        assert name in ("plugins.__init__", room(path)) or not name.startswith("plugins"), (
            f"{dotted(path)} imports {name}"
        )


@pytest.mark.parametrize(
    "path", [path for path in FILES if room(path).split(".")[0] not in {*ON_TOP, "plugins"}], ids=dotted
)
def test_only_plugins_and_what_stands_on_top_import_plugins(path):
    assert not any(name.startswith("plugins") for name in rooms(path))


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_the_links_are_never_imported(path):
    for name in imports(path):
        assert name.split(".")[0] != "physics", f"{dotted(path)}: import surrogates.physics"
        assert not name.startswith(("io.hdf5", "io.netcdf", "io.shards", "io.formats")), (
            f"{dotted(path)}: import surrogates.io"
        )


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_domain_libraries_are_imported_where_they_are_used(path):
    early = {name.split(".")[0] for name in imports(path, at_import_time=True)} & DOMAIN_LIBRARIES
    assert early == set(), (
        f"{dotted(path)} imports {sorted(early)} at its top; import it inside the function that needs it"
    )


@pytest.mark.parametrize(
    "path",
    [
        PACKAGE / f"{name}.py"
        for name in ("__init__", "schema", "registry", "cards", "plugin", "recipe", "request", "errors")
    ]
    + sorted((PACKAGE / "plugins").glob("*/plugin.py")),
    ids=dotted,
)
def test_declarations_do_not_import_torch(path):
    assert not any(name.split(".")[0] == "torch" for name in imports(path, at_import_time=True))


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "benchmarks").glob("*.py"))], ids=dotted)
def test_no_file_grows_past_its_room(path):
    length = len(path.read_text(encoding="utf-8").splitlines())
    assert length <= LONGEST, f"{dotted(path)} has {length} lines; split it in two rooms"


@pytest.mark.parametrize("name", ["physics", "io"])
def test_the_rooms_stand_at_the_top_level_as_links(name):
    link = ROOT / name
    assert link.is_symlink()
    assert link.resolve() == PACKAGE / name


def test_import_surrogates_is_light():
    code = (
        "import time; start = time.process_time(); import surrogates; seconds = time.process_time() - start\n"
        "import sys; print(seconds, *sorted({n.partition('.')[0] for n in sys.modules} "
        "& {'torch', 'xarray', 'numpy', 'astropy', 'matplotlib', 'pythia8mc', 'fastjet', 'awkward'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *heavy = run.stdout.split()
    assert heavy == []
    assert float(seconds) < 0.3


@pytest.mark.parametrize("name", sorted(p.parent.name for p in (PACKAGE / "plugins").glob("*/plugin.py")))
def test_a_plugin_declares_itself_without_torch_or_its_simulator(name):
    heavy = {"torch", *DOMAIN_LIBRARIES} - {"pyarrow"}  # pandas imports that where it is there
    code = f"import sys, surrogates.plugins.{name}.plugin; print(*sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_every_public_name_is_there():
    import surrogates

    for name in surrogates.__all__:
        assert getattr(surrogates, name).__name__ == name
    assert set(surrogates.__all__) <= set(dir(surrogates))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = surrogates.nonsense
