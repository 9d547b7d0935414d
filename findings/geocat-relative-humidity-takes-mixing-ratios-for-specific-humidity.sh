#!/usr/bin/env bash
# geocat-comp 2026.4.0: relhum_water, relhum_ice and relhum divide the mixing ratio that they ask for by the saturation value
# of the specific humidity, so that saturated air has more than 100 %: 105 % at 40 degrees and 1000 hPa, 114 % there at 400 hPa.
# Expected: 100 %, by the formula that relhum_water states, 100 q / ((ep es) / (p - es)), which is the ratio
# of mixing ratios, and for all three by what relative humidity means. Seen: the denominator is ep es / (p - 0.378 es). With
# specific humidities, against the text, the same functions give 100 % to the last digits.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check --only-binary :all: geocat-comp==2026.4.0 \
    xarray==2026.9.0 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from geocat.comp import relhum, relhum_ice, relhum_water

print("geocat-comp", version("geocat-comp"))


def over_water(t):  # hPa, Murray (1967), as the package has it
    return 6.1128 * np.exp(17.269 * (t - 273.15) / (t - 35.86))


def over_ice(t):  # hPa, Alduchov and Eskridge (1996), as the package has it
    return 6.1128 * np.exp(22.571 * (t - 273.15) / (t - 273.15 + 273.71))


good = True
for function, saturation, celsius, hpa, tolerance in (
    (relhum_water, over_water, 10, 1000, 1e-3), (relhum_water, over_water, 30, 1000, 1e-3),
    (relhum_water, over_water, 40, 1000, 1e-3), (relhum_water, over_water, 40, 400, 1e-3),
    (relhum, over_water, 30, 1000, 0.5), (relhum_ice, over_ice, -1, 200, 1e-3),
):
    kelvin = celsius + 273.15
    es = saturation(kelvin)
    mixing, specific = 0.622 * es / (hpa - es), 0.622 * es / (hpa - 0.378 * es)
    arguments = [np.array([value]) for value in (kelvin, mixing, 100.0 * hpa)]
    seen = function(*arguments).item()
    stated = 100 * mixing / (0.622 * es / (hpa - es))
    with_specific = function(arguments[0], np.array([specific]), arguments[2]).item()
    print(f"{function.__name__:12} {celsius:3} degrees, {hpa:4} hPa, saturated: expected {stated:.2f} %, seen {seen:.2f} %; "
          f"given the specific humidity {with_specific:.2f} %")
    good &= abs(seen - 100 * mixing / specific) < 100 * tolerance and abs(with_specific - 100) < 100 * tolerance
    good &= seen > 100.1 if function is not relhum else seen > 102
sys.exit(0 if good else 1)
PYTHON
