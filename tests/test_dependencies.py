"""Who may import whom, what `import surrogates` costs, and how long a file may get."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import metadata, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "surrogates"
LONGEST = 430
DEVELOPING = ("all", "dev", "docs", "train")
"""Extras that are no domain's."""


def libraries_of_extras() -> set[str]:
    """Import names of what the extras of domains and formats ask for; they load where they are used."""
    optional = [Requirement(line) for line in requires("surrogates") or ()]
    asked = {
        canonicalize_name(requirement.name)
        for requirement in optional
        if requirement.marker is not None and not any(f'"{extra}"' in str(requirement.marker) for extra in DEVELOPING)
    }
    found = {name for name, owners in packages_distributions().items() if asked & set(map(canonicalize_name, owners))}
    own = {"surrogates"}  # an extra may ask for others of ours
    return {name for name in found - own if not name.startswith("_")} | {"PIL", "selfies"}


DOMAIN_LIBRARIES = libraries_of_extras()
NUMERICAL = {"numba", "scipy"}
"""What physics may import at the top of a file; that declarations import neither is tested below."""
FLOORS = (
    {"contract.errors"},
    {"noise", "counting", "io", "physics", "networks", "plotting"},
    {"contract"},
    {"models", "training", "provenance"},
    {"release"},
    {"registry"},
    {"measuring", "sampling"},
    {"plugins", "testing", "timing", "reporting"},
    {"web", "survey"},
    {"cli"},
)
"""From the ground up: a room may import rooms of lower floors, and on its own floor itself alone."""

LOOSE = {"__init__", "__main__", "registry", "noise", "counting", "provenance", "galsim"}
"""The only files outside a room; `galsim` is the name by which GalSim's configuration files find the galaxies."""

FILES = sorted(path for path in PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, *, at_import_time: bool = False) -> Iterator[str]:
    """Absolute names of what a module imports, blocks for the type checker included unless only import time counts."""
    package = dotted(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    waiting: list[ast.AST] = [parsed(path)]
    while waiting:
        node = waiting.pop()
        if at_import_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
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


def own_imports(path: Path) -> set[str]:
    """Modules of ours that a module imports, without the package's name: ``contract.schema``."""
    found = set()
    for name in imports(path):
        top, _, rest = name.partition(".")
        while top == "surrogates" and rest and f"surrogates.{rest}" not in MODULES:
            rest = rest.rpartition(".")[0]
        if top == "surrogates" and rest:
            found.add(rest)
    return found


MODULES = {dotted(path) for path in FILES}


def room(module: str) -> str:
    """``plugins.jets`` of ``plugins.jets.codec``; for all else the first name."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ("plugins", "physics") and len(parts) > 1 else parts[0]


def floor(module: str) -> int:
    for number, names in enumerate(FLOORS):
        if module in names or module.split(".")[0] in names:
            return number
    raise AssertionError(f"{module} stands in no room; see FLOORS")


def inside(*rooms: str) -> list[Path]:
    return [path for path in FILES if path.relative_to(PACKAGE).parts[0].removesuffix(".py") in rooms]


HOUSED = [path for path in FILES if dotted(path) not in ("surrogates", "surrogates.__main__", "surrogates.galsim")]


def each(paths: Iterable[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """One test of many files, which names all that break the rule: thousands of tests of a millisecond each take longer
    to hand out than to run.
    """

    def test_of(rule: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            broken = []
            for path in paths:
                try:
                    rule(path)
                except AssertionError as error:
                    broken.append(f"{path.relative_to(ROOT)}: {error}")
            assert not broken, "\n".join(broken)

        test.__name__, test.__doc__ = rule.__name__, rule.__doc__
        return test

    return test_of


@each(HOUSED)
def test_imports_lead_down(path):
    own = dotted(path).partition(".")[2]
    for name in own_imports(path):
        assert floor(name) < floor(own) or room(name) == room(own), f"{own} imports {name}, not below it"


def test_there_is_no_circle():
    graph = {dotted(path).partition(".")[2]: own_imports(path) for path in HOUSED}
    graph = {name: {other for other in found if other != name} for name, found in graph.items()}
    while graph:
        ends = {name for name, found in graph.items() if not found & graph.keys()}
        assert ends, f"a circle among {sorted(graph)}"
        graph = {name: found for name, found in graph.items() if name not in ends}


SHIPPED = {path.parent.name for path in (PACKAGE / "plugins").glob("*/plugin.py")}
SHARED = [
    *(path for path in FILES if path.relative_to(PACKAGE).parts[0] not in ("plugins", "physics", "galsim.py")),
    *sorted((ROOT / "scripts").glob("fill_*.py")),
    ROOT / "tests" / "plugins" / "test_conformance.py",
    ROOT / "docs" / "conf.py",
]


@each(SHARED)
def test_shared_code_names_no_plugin(path):
    """A new plugin touches its folder, its physics, one entry point and one extra: nothing else lists plugins."""
    extras = set(metadata("surrogates").get_all("Provides-Extra") or ())
    named = (SHIPPED | {name.replace("_", "-") for name in SHIPPED}) - extras
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant):
            assert node.value not in named, (
                f"{path.name}:{node.lineno} names the plugin {node.value!r}; ask the registry"
            )
    for name in imports(path):
        assert not name.startswith("surrogates.plugins."), f"{path.name} imports {name}; ask the registry"


def test_only_named_files_stand_loose():
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE


@each(inside("models", "networks", "training"))
def test_models_networks_and_training_know_no_domain(path):
    files_alone = ("io.atomic", "io.locks")  # a file written whole, a lock: of no domain, nor of any format
    known = {name.split(".")[0] for name in own_imports(path) if not name.startswith(files_alone)}
    assert not known & {"physics", "io", "registry", "sampling"}


@each(HOUSED)
def test_files_are_renamed_in_one_place(path):
    """`io.atomic.replacing` writes whole files and makes them durable; no other module renames its own."""
    if dotted(path).startswith("surrogates.io."):
        return
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            renames = called in ("os.replace", "os.rename", "shutil.move") or (
                node.func.attr in ("replace", "rename") and called.startswith(("partial", "temporary", "path", "tmp"))
            )
            assert not renames, f"{dotted(path)}:{node.lineno} renames a file; write it within io.atomic.replacing"


@each(FILES)
def test_the_links_are_never_imported(path):
    for name in imports(path):
        assert name.split(".")[0] != "physics", f"{dotted(path)}: import surrogates.physics"
        assert not name.startswith(("io.hdf5", "io.netcdf", "io.shards", "io.formats")), (
            f"{dotted(path)}: import surrogates.io"
        )


@each(FILES)
def test_domain_libraries_are_imported_where_they_are_used(path):
    early = {name.split(".")[0] for name in imports(path, at_import_time=True)} & DOMAIN_LIBRARIES
    if path in inside("physics"):
        early -= NUMERICAL
    if path in inside("web"):  # opened by `serve` alone
        early -= {"fastapi", "prometheus_client", "pydantic", "starlette"}
    assert early == set(), (
        f"{dotted(path)} imports {sorted(early)} at its top; import it inside the function that needs it"
    )


@each(
    [
        PACKAGE / "__init__.py",
        PACKAGE / "registry.py",
        PACKAGE / "release" / "cards.py",
        PACKAGE / "sampling" / "request.py",
        *inside("contract"),
        *sorted((PACKAGE / "plugins").glob("*/plugin.py")),
    ]
)
def test_declarations_do_not_import_torch(path):
    assert not any(name.split(".")[0] == "torch" for name in imports(path, at_import_time=True))


@each([*FILES, *sorted((ROOT / "benchmarks").glob("*.py"))])
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
