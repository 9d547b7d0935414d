#!/usr/bin/env bash
# specutils 2.4.0: the flux-conserving resampler loses lines, or everything, when one of the two spectral axes descends.
# Expected: the same values in another order. specutils takes axes of either direction (its check: "Spectral axis must be
# strictly increasing or decreasing"), and a spectrum of ascending frequencies descends in wavelength; the resampler
# states that it conserves the integrated flux. Seen, without a warning or an error: on a descending grid a line of
# height 3 is gone and the bare continuum is left; from a descending spectrum every value is NaN (the linear resampler
# too), and so is what a radio or FTIR spectrum of ascending frequencies gives once its axis is turned to wavelengths.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check specutils==2.4.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import astropy.units as u
import numpy as np
from specutils import Spectrum
from specutils.manipulation import FluxConservingResampler, LinearInterpolatedResampler

print("specutils", version("specutils"), "astropy", version("astropy"))
wavelength = np.linspace(5000, 5100, 401) * u.AA
flux = (1 + 3 * np.exp(-0.5 * ((wavelength.value - 5050) / 5) ** 2)) * u.Jy
rising = Spectrum(spectral_axis=wavelength, flux=flux)
falling = Spectrum(spectral_axis=wavelength[::-1], flux=flux[::-1])
grid = np.arange(5010, 5091, 5) * u.AA
conserving, linear = FluxConservingResampler(), LinearInterpolatedResampler()


def peak(name, resampler, spectrum, target):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = resampler(spectrum, target).flux.value
    print(f"{name:42} largest {values.max():7.4f} Jy, sum {values.sum():8.4f}, warnings {len(caught)}")
    return values.max(), values.sum(), len(caught)


good = True
up = peak("ascending spectrum, ascending grid", conserving, rising, grid)
down = peak("ascending spectrum, descending grid", conserving, rising, grid[::-1])
turned = peak("descending spectrum, ascending grid", conserving, falling, grid)
both = peak("descending spectrum, descending grid", conserving, falling, grid[::-1])
straight = peak("linear: ascending spectrum", linear, rising, grid)
line = peak("linear: descending spectrum", linear, falling, grid)
print("expected: a peak of about 3.9 Jy in every line; seen: 1 (the continuum) or NaN")
good = 3.7 < up[0] < 4 and abs(down[0] - 1) < 1e-3 and 3.9 < straight[0] < 4.1
good &= all(np.isnan(found[0]) for found in (turned, both, line))
sys.exit(0 if good and not any(found[2] for found in (down, turned, both, line)) else 1)
PYTHON
