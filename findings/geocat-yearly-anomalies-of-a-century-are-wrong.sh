#!/usr/bin/env bash
# geocat-comp 2026.4.0: climate_anomaly(..., "year") of a series longer than a century subtracts two years' means at once:
# years are told apart by their last two digits, and the means of 1905 and 2005 are added up. Expected: "the yearly
# average is subtracted from each data point": a constant temperature has no anomaly. Seen: -280 K in each month of every
# year whose two digits come twice, an observational record's first and last decades, without a warning; 0 elsewhere.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check geocat-comp==2026.4.0 xarray==2026.9.0 \
    numpy==2.4.6 pandas==3.1.1
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
import xarray as xr
from geocat.comp.climatologies import climate_anomaly

print("geocat-comp", version("geocat-comp"), "xarray", version("xarray"))
good = True
for first, last in ((1921, 2020), (1901, 2010)):
    time = pd.date_range(f"{first}-01", f"{last}-12", freq="MS")
    series = xr.DataArray(np.full(len(time), 280.0), dims="time", coords={"time": time})
    anomaly = climate_anomaly(series, "year", keep_attrs=True)
    exact = series.groupby("time.year") - series.groupby("time.year").mean()  # by the whole year
    years = np.unique(time.year[np.abs(anomaly.values) > 1e-9])
    print(f"280 K from {first} to {last}: largest anomaly expected {float(abs(exact).max()):.0f} K, seen "
          f"{float(abs(anomaly).max()):.0f} K, in the years {years.tolist()}")
    twice = [year for year in range(first, last + 1) if year + 100 <= last or year - 100 >= first]
    good &= years.tolist() == twice and float(anomaly.min()) == (-280.0 if twice else 0.0)
sys.exit(0 if good else 1)
PYTHON
