"""The README says what the repository holds: its figures are the cards', its plugin is the tested one."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def fill_readme():
    spec = importlib.util.spec_from_file_location("fill_readme", ROOT / "scripts" / "fill_readme.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_plugin_is_shown_word_for_word(fill_readme):
    for name in fill_readme.SHOWN:
        content = (ROOT / fill_readme.PLUGIN / name).read_text(encoding="utf-8").rstrip("\n")
        assert f"\n{content}\n```" in TEXT, f"run `make readme`: {name} has changed"


def test_figures_are_those_of_the_cards(fill_readme):
    assert fill_readme.figures() in TEXT, "run `make readme`: a card has changed"


def test_pages_of_cards_are_those_of_the_cards(fill_readme):
    pages = fill_readme.pages()
    assert pages
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"run `make readme`: {path.name} has changed"


def test_first_commands_are_targets_of_the_makefile():
    commands = re.findall(r"^ {4}make ([\w-]+)", TEXT, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert commands[:2] == ["demo", "test"]
    for target in commands:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_files_named_in_links_are_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_commands_shown_exist():
    from surrogates.cli.entry import _COMMANDS

    shown = set(re.findall(r"^surrogates (\w+)", TEXT, flags=re.MULTILINE))
    assert shown
    assert shown <= set(_COMMANDS)
