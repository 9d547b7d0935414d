"""The page in a headless Chromium: pictures change, the values shown are the file's, nothing asks another host.

Accessibility is checked by axe-core where it is installed: `npm install --no-save axe-core@4.14.1` in the repository,
or `AXE_CORE` names its axe.min.js.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs the extra web")

from chromium import PHONE, WIDE, Browser, chromium  # noqa: E402

import surrogates  # noqa: E402
from surrogates import registry  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
AXE = Path(os.environ.get("AXE_CORE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
WITH_WEIGHTS = [entry.name for entry in registry.plugins() if list(entry.weights.glob("*.json"))]
DONE = "/^[0-9]+ samples? in/.test(document.getElementById('status').textContent)"
WRONG = "document.getElementById('status').className === 'error' && document.getElementById('status').textContent"
SHOWN = """[...document.querySelectorAll('#pictures canvas, #plots canvas')].map((c) => c.toDataURL()).join() +
document.getElementById('pictures').textContent + document.getElementById('plots').textContent +
document.getElementById('values').textContent"""

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def address():
    command = [sys.executable, "-m", "surrogates", "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    line = next(line for line in process.stderr if "serving on" in line)
    yield re.search(r"http://127\.0\.0\.1:\d+", line).group()
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


def settled(browser):
    """Wait for samples; an error that the page shows fails."""
    browser.until(f"{DONE} || ({WRONG})")
    assert not browser.run(WRONG), browser.run(WRONG)


def opened(browser, address, plugin, **state):
    browser.errors.clear()
    browser.requests.clear()
    browser.open(f"{address}/#{quote(json.dumps({'plugin': plugin, **state}))}")
    browser.until("document.getElementById('status') && document.getElementById('plugin').options.length > 0")
    settled(browser)


def quiet(browser, address):
    """No error on the console, and no request to another host."""
    assert browser.errors == []
    foreign = [url for url in browser.requests if not url.startswith((address, "data:", "blob:", "about:"))]
    assert foreign == [] and browser.requests


def again(browser):
    """Click on the next seed, and wait until what is shown is another."""
    before = browser.run(SHOWN)
    browser.run("document.getElementById('status').textContent = ''; document.getElementById('again').click()")
    settled(browser)
    return before, browser.run(SHOWN)


def test_values_that_are_shown_are_those_of_a_call_here(browser, address):
    opened(browser, address, "muon-decay", n=6, seed=3, conditions={"muon_momentum": 2.0})
    rows = browser.run(
        "[...document.querySelectorAll('#values tr')].map((r) => [...r.children].map((c) => c.textContent))"
    )
    own = surrogates.load("muon-decay").sample(6, seed=3, muon_momentum=2.0)
    for name in ("decay_time", "positron_energy"):
        shown = [float(row[rows[0].index(name)]) for row in rows[1:]]
        np.testing.assert_allclose(shown, own[name].values, rtol=1e-5)
    python = browser.run("document.getElementById('python').textContent")
    space = {}
    exec(python, space)  # the call that the page offers
    np.testing.assert_array_equal(space["samples"]["decay_time"], own["decay_time"])
    before, after = again(browser)
    assert before != after and '"seed":4' in browser.run("decodeURIComponent(location.hash)").replace(" ", "")
    quiet(browser, address)


def test_a_slider_draws_anew_and_what_is_out_of_range_is_said(browser, address):
    opened(browser, address, "muon-decay")
    before = browser.run(SHOWN)
    move = "const s = document.querySelector('#form input[type=range]'); s.value = s.max; "
    move += "s.dispatchEvent(new Event('input'))"
    browser.run(f"(() => {{ document.getElementById('status').textContent = ''; {move} }})()")
    settled(browser)
    assert browser.run(SHOWN) != before
    far = "const f = document.querySelector('#form input[type=text]'); f.value = '1e9'; "
    far += "f.dispatchEvent(new Event('input')); f.dispatchEvent(new Event('change'))"
    browser.run(f"(() => {{ {far} }})()")
    said = browser.until(WRONG)
    assert "out of range" in said and browser.run("document.querySelector('#form .outside') !== null")


def test_units_are_switched_off_and_on_again(browser, address):
    opened(browser, address, "muon-decay", n=8)
    before = browser.run(SHOWN)
    browser.run("document.getElementById('look').open = true")
    browser.until("document.querySelectorAll('#units input').length > 0")
    off = "document.querySelectorAll('#units input').forEach((tick, i) => { if (i < 12) tick.click() })"
    browser.run(f"document.getElementById('status').textContent = ''; {off}")
    settled(browser)
    browser.until(f"{DONE} && (() => {{ return {SHOWN} }})() !== {json.dumps(before)}")
    assert "without(simulator" in browser.run("document.getElementById('python').textContent")
    browser.run("[...document.querySelectorAll('#look button')].at(-1).click()")
    browser.until(f"(() => {{ return {SHOWN} }})() === {json.dumps(before)}")


def test_a_field_is_drawn_on_with_the_keyboard_and_sent(browser, address):
    name = next(
        (
            name
            for name in WITH_WEIGHTS
            if any(len(v.dims) == 2 and not v.text for v in registry.plugin(name).conditions)
        ),
        None,
    )
    if name is None:
        pytest.skip("no plugin takes a field over two axes")
    opened(browser, address, name, n=1)
    before = browser.run(SHOWN)
    browser.run("[...document.querySelectorAll('#form button')].find((b) => b.textContent === 'Draw on it').click()")
    key = "(key) => document.querySelector('canvas.paint').dispatchEvent("
    key += "new KeyboardEvent('keydown', { key, bubbles: true }))"
    browser.run(f"document.getElementById('status').textContent = ''; ['ArrowUp', 'ArrowLeft', ' '].forEach({key})")
    settled(browser)
    browser.until(f"(() => {{ return {SHOWN} }})() !== {json.dumps(before)}")
    quiet(browser, address)


@pytest.mark.slow
@pytest.mark.parametrize("plugin", WITH_WEIGHTS)
def test_every_plugin_is_clicked_through(browser, address, plugin, tmp_path):
    """Pictures of two seeds differ, the figure is drawn, nothing overflows a phone, in light and dark."""
    browser.look(WIDE)
    stochastic = registry.plugin(plugin).stochastic
    opened(browser, address, plugin, n=1)
    before, after = again(browser)
    assert before != after or not stochastic
    browser.run("document.getElementById('more').open = true")
    browser.until("document.getElementById('figure').naturalWidth > 0")
    for size, dark in ((PHONE, False), (PHONE, True), (WIDE, True)):
        browser.look(size, dark)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        browser.screenshot(tmp_path / f"{plugin}-{size[0]}-{'dark' if dark else 'light'}.png")
    browser.look(WIDE)
    quiet(browser, address)


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install --no-save axe-core@4.14.1")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(browser, address, dark):
    browser.look(PHONE if dark else WIDE, dark)
    opened(browser, address, "muon-decay")
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    browser.until("document.querySelectorAll('#units input').length > 0")
    browser.ask("Runtime.evaluate", expression=AXE.read_text(encoding="utf-8"))
    found = browser.run(
        "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]))"
    )
    browser.look(WIDE)
    assert found == []
