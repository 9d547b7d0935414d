"""README and docs say what the repository holds: cards' numbers, the tested example, links that lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINES = 200
FENCE = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def fill_docs():
    spec = importlib.util.spec_from_file_location("fill_docs", ROOT / "scripts" / "fill_docs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_made_from_cards_and_the_example_is_up_to_date(fill_docs):
    for path, text in fill_docs.made().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run `make pages`"


def test_a_page_without_its_marker_is_named(fill_docs, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing to fill")
    with pytest.raises(ValueError, match=r"page.md: the marker .* is missing"):
        fill_docs.filled(page, "summary", "")


def test_the_readme_is_read_in_one_go():
    assert len(README.splitlines()) <= LINES


def test_first_commands_are_targets_of_the_makefile():
    commands = re.findall(r"^ {4}make ([\w-]+)", README, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert commands[:2] == ["demo", "test"]
    for target in commands:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_to_files_that_are_there(path):
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert (path.parent / link).exists(), f"{named(path)} links to {link}"


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_commands_shown_exist(path):
    from surrogates.cli.entry import _COMMANDS

    shown = set(re.findall(r"^surrogates (\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert shown <= set(_COMMANDS), named(path)


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_python_that_is_shown_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:python|\{code-cell\} ipython3)\n(.*?)^```", text, flags=re.M | re.S)
    assert blocks
    space: dict = {}
    for block in blocks:
        exec(compile(block, page, "exec"), space)  # noqa: S102
