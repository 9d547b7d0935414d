"""The gallery: pages of their own that load nothing from elsewhere, and an index that leads to each."""

import re

import pytest

from surrogates.cli.entry import run
from surrogates.cli.gallery import LEAST_BESIDE, beside_size
from surrogates.release.cards import Speed


def test_a_page_a_plugin_and_an_index_that_leads_to_it(tmp_path, capsys):
    pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
    out = tmp_path / "site"
    assert run(["gallery", "-o", str(out), "--plugin", "muon-decay"]) == 0
    assert capsys.readouterr().out.strip() == str((out / "index.html").resolve())
    index, page = ((out / name).read_text(encoding="utf-8") for name in ("index.html", "muon-decay.html"))
    assert (out / "muon-decay.png").read_bytes().startswith(b"\x89PNG")
    assert 'href="muon-decay.html"' in index and 'src="muon-decay.png"' in index
    assert 'href="index.html"' in page and "samples of muon-decay/flow" in page
    assert "muon_momentum" in page and "surrogates generate muon-decay" in page and "surrogates.load(" in page
    for text in (index, page):
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|<script|@import|url\(""", text)
    assert run(["gallery", "-o", str(out), "--plugin", "muon-decay"]) == 0  # made anew


@pytest.mark.parametrize(("rate", "beside"), [(2.0, True), (0.2, False)])
def test_a_quick_reference_is_drawn_beside(monkeypatch, rate, beside):
    pytest.importorskip("muon_decay", reason="the third-party plugin is installed by `make test`")
    from surrogates.cli import gallery

    monkeypatch.setattr(gallery, "beside_size", lambda card, seconds: int(rate * seconds))
    _, sections = gallery.pictured("muon-decay", 4.0)
    (caption,) = sections[0].figures
    assert ("reference simulator at the same conditions" in caption) == beside


def test_a_folder_of_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert run(["gallery", "-o", str(tmp_path)]) == 2
    assert "holds something else" in capsys.readouterr().err and (tmp_path / "thesis.tex").exists()


def test_an_unknown_plugin_is_named_before_anything_is_made(tmp_path, capsys):
    assert run(["gallery", "-o", str(tmp_path / "site"), "--plugin", "muon-dekay"]) == 2
    assert "muon-dekay: unknown plugin" in capsys.readouterr().err and not (tmp_path / "site").exists()


def test_what_has_no_weights_stands_on_the_index_with_the_reason(tmp_path):
    pytest.importorskip("smallest", reason="an example without released weights")
    assert run(["gallery", "-o", str(tmp_path / "site"), "--plugin", "smallest"]) == 1
    assert "no released weights" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_a_reference_stands_beside_where_its_card_says_that_it_is_quick():
    class Card:
        speed = (Speed("surrogate", 1000, 0.01, 0.01), Speed("reference", 100, 10.0, 10.0))

    assert beside_size(Card(), 5.0) == 50
    assert beside_size(Card(), 0.1) == 0 and LEAST_BESIDE > 1
    Card.speed = ()
    assert beside_size(Card(), 5.0) == 0
