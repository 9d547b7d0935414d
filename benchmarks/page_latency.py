"""How soon the page shows: the first image of a server that has just started, and each move of a slider.

    python benchmarks/page_latency.py                       every plugin whose samples are pictures
    python benchmarks/page_latency.py galaxy-images --moves 40

A headless Chromium opens each plugin on a server of its own, and moves a slider to one place after another, the next
slider where its value does not go with the others'.
Times are the page's: from the navigation to the first samples drawn, weights opened meanwhile, and from a slider's
event to the samples drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "web"))
from chromium import Browser, chromium  # noqa: E402  # pyright: ignore[reportMissingImports]
from service_load import processor  # noqa: E402

from surrogates import registry  # noqa: E402

WATCH = """
window.seen = [];
addEventListener('DOMContentLoaded', () => {
  const status = document.getElementById('status');
  new MutationObserver(() => seen.push([performance.now(), status.textContent, status.className]))
    .observe(status, { childList: true, characterData: true, subtree: true, attributes: true });
});
"""
SHOWN = "seen.find((one) => /^[0-9]+ samples? in/.test(one[1]) || one[2] === 'error')"
MOVE = """
(async () => {
  const sliders = document.querySelectorAll('#form input[type=range]');
  if (!sliders.length) return null;
  const slider = sliders[WHICH % sliders.length], before = slider.value;
  const low = Number(slider.min), high = Number(slider.max), begun = performance.now();
  seen.length = 0;
  slider.value = low + (high - low) * SHARE;
  slider.dispatchEvent(new Event('input'));
  while (!SHOWN) {
    if (performance.now() - begun > 20000) return [0, 'nothing', 'error'];
    await new Promise((done) => setTimeout(done, 2));
  }
  const found = SHOWN;
  if (found[2] === 'error') {  // back to where it was
    seen.length = 0;
    slider.value = before;
    slider.dispatchEvent(new Event('input'));
    while (!SHOWN) await new Promise((done) => setTimeout(done, 20));
  }
  return [found[0] - begun, found[1], found[2]];
})()
"""


def pictures(name: str) -> bool:
    """Whether a plugin's samples hold a field over two axes or more and its weights are here."""
    entry = registry.entry(name)
    plugin = entry.load()
    counted = {dimension.name for dimension in plugin.outputs.dimensions if dimension.count}
    flat = [v for v in plugin.outputs if not v.text and len(v.dims) > 1 and not counted & set(v.dims)]
    return bool(flat) and any(entry.weights.glob("*.safetensors"))


def measured(name: str, moves: int, folder: Path) -> tuple[float, list[float], float]:
    """Seconds to the first samples, milliseconds of each move, and of the server's processor for one."""
    command = [sys.executable, "-m", "surrogates", "serve", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    browser = Browser(folder)
    try:
        line = next(line for line in server.stderr or () if "serving on" in line)
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address is not None, line
        browser.ask("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        browser.open(f"{address.group()}/#{quote(json.dumps({'plugin': name}))}")
        at, said, kind = browser.until(f"window.seen && {SHOWN}")
        if kind == "error":
            raise SystemExit(f"{name}: {said}")
        took, spent = [], processor(server.pid)
        which = 0
        for move in range(moves):
            time.sleep(0.1)
            script = MOVE.replace("SHARE", f"{(move * 0.381966) % 1.0:.4f}").replace("WHICH", f"{which}")
            found = browser.run(script.replace("SHOWN", SHOWN))
            if found is None:
                break
            if found[2] == "error":  # values that do not go together are said, not drawn
                which += 1
            else:
                took.append(found[0])
        return at / 1000, took, 1000 * (processor(server.pid) - spent) / moves
    finally:
        browser.close()
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("plugins", nargs="*", help="all whose samples are pictures by default")
    parser.add_argument("--moves", type=int, default=25)
    given = parser.parse_args(arguments)
    if chromium() is None:
        parser.error("no Chromium is installed")
    print("| plugin | first image [s] | moves of a slider | median [ms] | p95 [ms] | server's CPU a move [ms] |")
    print("|---|--:|--:|--:|--:|--:|")
    for name in given.plugins or [entry.name for entry in registry.plugins() if pictures(entry.name)]:
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            first, took, spent = measured(name, given.moves, Path(folder))
        median, late = (f"{value:.0f}" for value in np.percentile(took, [50, 95])) if took else ("", "")
        print(f"| {name} | {first:.2f} | {len(took)} | {median} | {late} | {spent:.0f} |", flush=True)
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
