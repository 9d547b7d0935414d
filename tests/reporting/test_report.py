"""The HTML report: complete in itself, honest about what is not met, whole or not at all."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from surrogates.contract.findings import Finding, Target
from surrogates.reporting.page import ReportError, Section, Table, number, render_report, write_report

LAW = SimpleNamespace(name="momentum", units="GeV", strength="construction", tolerance=1e-9)
PLUGIN = SimpleNamespace(
    name="toy", title="a toy", constraints=(LAW,), targets={"mass_w1": Target(100, description="mass spectrum")}
)
FINDINGS = (
    Finding("mass_w1", 0.012, floor=0.01, limit=0.02, n=1000, error=0.001, units="GeV", passed=True),
    Finding("spin <x-x+>", 0.3, floor=0.01, limit=0.02, n=1000, passed=False),
    Finding("coverage", 0.98, limit=0.9, n=1000, passed=True, relation=">="),
    Finding("auc", 0.51),
)


class Page(HTMLParser):
    """Tags in balance, and every address that the page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "img", "line", "circle", "br"}:
            self.open.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "href"}]

    def handle_startendtag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def figure():
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(2, 1))
    drawn.subplots().plot([0, 1])
    return drawn


@pytest.fixture
def section(figure):
    return Section(
        PLUGIN,
        findings=FINDINGS,
        baselines={"noise": (FINDINGS[1],), "blind": (FINDINGS[0],)},
        residuals={"momentum": 3e-8},
        figures={"the spectrum": figure},
        samples_attrs={"weights_sha256": "abc123", "seed": 1},
        tables=(Table("Speed", ("side", "rate"), (("reference", "125"),)),),
    )


def test_page_loads_nothing_and_is_well_formed(section):
    text = render_report([section], title="A report")
    page = Page(text)
    assert page.open == []
    assert [address.partition(",")[0] for address in page.loads] == ["data:image/png;base64"]
    assert not re.search(r"@import|url\(|<script|<link", text)


def test_unmet_figures_and_broken_laws_are_shown_as_such(section):
    text = render_report([section], title="A report")
    assert '<b class="unmet">2 of 3</b>' in text
    assert '<b class="unmet">0 of 1</b>' in text
    assert "broken" in text
    assert text.count(">not met<") == 2  # under what is not met, and among all figures
    assert ">not asked<" in text
    assert "passes, and should not" in text
    assert "fails, as it should" in text


def test_limits_say_which_way_they_hold(section):
    text = render_report([section], title="A report")
    assert "≤ 0.0200" in text
    assert "≥ 0.900" in text
    assert "0.0120 ± 0.00100 GeV" in text


def test_names_are_escaped(section):
    text = render_report([section], title="<script>")
    assert "spin &lt;x-x+&gt;" in text
    assert "<script>" not in text


def test_report_is_not_replaced_unless_asked(section, tmp_path):
    path = write_report(tmp_path / "report.html", [section])
    with pytest.raises(ReportError, match="exists already"):
        write_report(path, [])
    assert "mass_w1" in path.read_text()
    write_report(path, [], overwrite=True)
    assert "mass_w1" not in path.read_text()
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_report_needs_a_folder_and_a_suffix(section, tmp_path):
    with pytest.raises(ReportError, match="does not exist"):
        write_report(tmp_path / "none" / "report.html", [section])
    with pytest.raises(ReportError, match="unknown suffix"):
        write_report(tmp_path / "report.pdf", [section])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.5041, "0.504"),
        (12.345, "12.3"),
        (12345.6, "12,346"),
        (2e-16, "2.00e-16"),
        (float("nan"), "nan"),
        (None, ""),
    ],
)
def test_numbers_have_three_significant_digits(value, shown):
    assert number(value) == shown
