#!/usr/bin/env bash
# geocat-comp 2026.4.0: fourier_low_pass and the other filters of its family take the number of samples from axis 0 of the
# data, whatever `time_axis` says, so that the cutoff of data with another time axis is off by the ratio of the two lengths.
# Expected: the same filtered series whichever axis is the time ("time_axis: the time axis of the data set", "frequency:
# sample frequency of dataset"), and here the wave of 120 hours without the one of 6. Seen, by the number of stations
# that stand before the time: nothing at all (1 to 60 stations), the right series (as many stations as hours), or both
# waves as if no filter were there (1000 stations). The module is loaded by itself: its siblings, which need some sixty
# packages, have no part in it.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: --no-deps \
    geocat-comp==2026.4.0 xarray==2026.9.0 numpy==2.4.6 pandas==3.1.1 packaging==26.3 python-dateutil==4.0.0 tzdata==2026.6
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import distribution, version
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np

spec = spec_from_file_location("filters", distribution("geocat-comp").locate_file("geocat/comp/fourier_filters.py"))
module = module_from_spec(spec)
spec.loader.exec_module(module)
fourier_low_pass = module.fourier_low_pass
print("geocat-comp", version("geocat-comp"))
hours = np.arange(240)
slow, fast = np.sin(2 * np.pi * hours / 120), np.sin(2 * np.pi * hours / 6)
spectrum = np.fft.rfft(slow + fast)  # independent: everything faster than a day is set to zero
spectrum[np.fft.rfftfreq(240) >= 1 / 24] = 0
expected = np.fft.irfft(spectrum)
print(f"expected standard deviation {expected.std():.4f}: the slow wave (off by {abs(expected - slow).max():.0e})")
seen = {}
for stations in (1, 12, 60, 240, 1000):
    data = np.tile(slow + fast, (stations, 1))  # (station, hour), one sample an hour, the cutoff at one a day
    second = fourier_low_pass(data, 1.0, 1 / 24, time_axis=1)
    first = fourier_low_pass(data.T.copy(), 1.0, 1 / 24, time_axis=0).T
    seen[stations] = abs(first - expected).max(), second[0].std()
    print(f"{stations:5} stations: time first off by {seen[stations][0]:.0e}; time second: standard deviation "
          f"{seen[stations][1]:.4f}, off by {abs(second - expected).max():.4f}")
good = all(off < 1e-12 for off, _ in seen.values()) and all(seen[n][1] < 1e-12 for n in (1, 12, 60))
sys.exit(0 if good and abs(seen[240][1] - 0.7071) < 1e-4 and abs(seen[1000][1] - 1) < 1e-9 else 1)
PYTHON
