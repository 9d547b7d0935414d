#!/usr/bin/env bash
# halomod 2.2.2 (and 2.2.3 by its source): virial_velocity puts masses in suns and radii in Mpc (over h) beside the constant
# of gravitation in SI units: its numbers are a velocity in no unit. Expected: sqrt(G M / r), 134 km/s for a halo of 10^12
# suns / h (astropy's units). Seen: 16.6, 0.1246 of the value in km/s for every mass. The docstring names no unit.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --no-compile --disable-pip-version-check halomod==2.2.2 hmf==3.5.2 camb==2.0.5 \
    colossus==1.4.0 astropy==8.0.2 numpy==2.4.6 scipy==1.17.1
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from astropy import constants, units
from halomod.concentration import Duffy08
from halomod.profiles import NFW
from hmf.cosmology.cosmo import Cosmology
from hmf.halos.mass_definitions import SOMean

print("halomod", version("halomod"))
profile = NFW(cm_relation=Duffy08(cosmo=Cosmology(), mdef=SOMean()), mdef=SOMean())
ratios = []
for mass in (1e11, 1e12, 1e14):
    radius = profile.halo_mass_to_radius(mass)  # Mpc / h, so that h drops out of M / r
    due = np.sqrt(constants.G * mass * units.Msun / (radius * units.Mpc)).to_value("km/s")
    seen = float(profile.virial_velocity(m=mass))
    ratios.append(seen / due)
    print(f"{mass:.0e} suns / h, {radius:.3f} Mpc / h: expected {due:.2f} km/s ({1000 * due:.0f} m/s), seen {seen:.3f}"
          f" ({seen / due:.5f} of km/s)")
print("a unit in the docstring:", any(word in profile.virial_velocity.__doc__ for word in ("km", "m/s", "unit")))
sys.exit(0 if np.ptp(ratios) < 1e-6 and abs(ratios[0] - 0.12457) < 1e-4 else 1)
PYTHON
