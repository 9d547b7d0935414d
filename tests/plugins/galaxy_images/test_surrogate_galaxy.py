"""`SurrogateGalaxy` draws inside GalSim as GalSim's own profiles do, in Python and from configuration files."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

galsim = pytest.importorskip("galsim")

from surrogates import registry  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.plugins.galaxy_images import variables  # noqa: E402
from surrogates.plugins.galaxy_images.surrogate_galaxy import (  # noqa: E402
    BAND_LIMIT_FWHM,
    SurrogateGalaxy,
    check_psf,
    surrogate_galaxies,
)

ASKED = {
    "morphology": "elliptical",
    "sersic_index": 1.0,
    "half_light_radius": 0.5,
    "ellipticity": 0.25,
    "position_angle": 30.0,
    "magnitude_r": 21.4,
}
CONFIGURATION = """
modules: [surrogates.galsim]
psf: {{type: Kolmogorov, fwhm: {fwhm}}}
gal:
{gal}
    half_light_radius: {{type: List, items: [0.35, 0.45, 0.55, 0.65, 0.4, 0.5]}}
    flux: {{type: List, items: [1.e4, 2.e4, 3.e4, 1.e4, 2.e4, 3.e4]}}
image: {{type: Tiled, nx_tiles: 3, ny_tiles: 2, stamp_size: 64, pixel_scale: 0.2, random_seed: {seed}}}
output: {{dir: {folder}, file_name: {name}.fits}}
"""
SURROGATE = """
    type: SurrogateGalaxy
    simulator: reference
    morphology: elliptical
    sersic_index: 1.0
    redshift: 0.3
    ellipticity: 0.2
    position_angle: 40 deg
"""
OWN = """
    type: Exponential
    shear: {type: GBeta, g: 0.2, beta: 40 deg}
"""
SPIRALS = """
    type: SurrogateGalaxy
    simulator: reference
    morphology: spiral
    redshift: 0.2
"""


def drawn(galaxy, psf) -> np.ndarray:
    return galsim.Convolve(galaxy, psf).drawImage(nx=64, ny=64, scale=0.2, dtype=float).array


def own(flux: float):
    profile = galsim.Exponential(half_light_radius=0.5, flux=flux)
    return profile.shear(g=0.25, beta=30 * galsim.degrees)


def run_galsim(folder, name: str, gal: str, seed: int = 5, fwhm: float = 0.7):
    path = folder / f"{name}.yaml"
    gal = "\n".join(line for line in gal.splitlines() if line)
    path.write_text(CONFIGURATION.format(gal=gal, folder=folder, name=name, seed=seed, fwhm=fwhm))
    done = subprocess.run([sys.executable, "-m", "galsim", str(path)], capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    return galsim.fits.read(str(folder / f"{name}.fits")).array.astype(np.float64)


def tiles(image: np.ndarray) -> list[np.ndarray]:
    return [image[64 * row : 64 * row + 64, 64 * k : 64 * k + 64] for row in range(2) for k in range(3)]


def test_constants_are_the_plugins():
    assert BAND_LIMIT_FWHM == variables.BAND_LIMIT_FWHM
    assert registry.plugin("galaxy-images").conditions["pixel_scale"].default == 0.1


@pytest.mark.parametrize("psf", [galsim.Kolmogorov(fwhm=0.7), galsim.Moffat(3.5, fwhm=0.5), galsim.Gaussian(fwhm=0.3)])
def test_a_drawn_galaxy_equals_galsims_own(psf):
    galaxy = SurrogateGalaxy(seed=1, simulator="reference", psf=psf, **ASKED)
    flux = 10 ** (-0.4 * (21.4 - 31.4))
    assert galaxy.flux == pytest.approx(flux, rel=5e-3)
    image, expected = drawn(galaxy, psf), drawn(own(flux), psf)
    assert np.abs(image - expected).max() < 4e-3 * expected.max()
    shapes = [galsim.hsm.FindAdaptiveMom(galsim.Image(side, scale=0.2)) for side in (image, expected)]
    assert shapes[0].moments_sigma == pytest.approx(shapes[1].moments_sigma, rel=2e-3)
    assert shapes[0].observed_shape.g == pytest.approx(shapes[1].observed_shape.g, abs=1e-3)


def test_galsim_shears_and_scales_it():
    psf = galsim.Kolmogorov(fwhm=0.7)
    galaxy = SurrogateGalaxy(seed=1, flux=500.0, simulator="reference", **ASKED).shear(g1=0.05, g2=-0.03)
    expected = drawn(own(500.0).shear(g1=0.05, g2=-0.03), psf)
    assert galaxy.flux == pytest.approx(500.0)
    assert np.abs(drawn(galaxy, psf) - expected).max() < 8e-3 * expected.max()


def test_a_seed_names_a_galaxy():
    asked = {"morphology": "spiral", "simulator": "reference", "redshift": 0.2, "half_light_radius": 0.7}
    first, again, other = (SurrogateGalaxy(seed=seed, **asked) for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_several_galaxies_have_their_own_conditions_and_bands():
    radii = np.array([0.3, 0.6])
    made = surrogate_galaxies(2, seed=1, band="i", simulator="reference", **{**ASKED, "half_light_radius": radii})
    psf = galsim.Gaussian(fwhm=0.4)
    sizes = [galsim.hsm.FindAdaptiveMom(galsim.Image(drawn(galaxy, psf))).moments_sigma for galaxy in made]
    assert sizes[1] > 1.2 * sizes[0]


@pytest.mark.parametrize(
    ("psf", "passes"),
    [
        (galsim.Gaussian(fwhm=0.2), True),
        (galsim.Gaussian(fwhm=0.19), False),
        (galsim.Kolmogorov(fwhm=0.3), True),
        (galsim.Kolmogorov(fwhm=0.1), False),
        (galsim.Gaussian(fwhm=0.5).shear(g=0.6, beta=20 * galsim.degrees), True),
        (galsim.Gaussian(fwhm=0.25).shear(g=0.4, beta=0 * galsim.degrees), False),
        (galsim.DeltaFunction(), False),
    ],
)
def test_a_psf_narrower_than_the_limit_is_refused(psf, passes):
    if passes:
        check_psf(psf)
        return
    with pytest.raises(SchemaError, match="psf: it passes .* expected at most 0.028"):
        SurrogateGalaxy(seed=1, psf=psf, simulator="reference", **ASKED)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"noise_r": 3.0}, "noise_r: PSF, pixels and noise are GalSim's work"),
        ({"band": "z"}, "band: 'z' is unknown"),
        ({"morphology": "spiralle"}, "did you mean 'spiral'"),
        ({"half_light_radius": -1.0}, "half_light_radius: -1"),
        ({"simulator": "truth"}, "simulator: 'truth' is unknown"),
    ],
)
def test_bad_input_is_named(asked, message):
    with pytest.raises(SchemaError, match=message):
        SurrogateGalaxy(**{"seed": 1, "simulator": "reference", **ASKED, **asked})


@pytest.mark.slow
def test_a_tiled_image_by_the_surrogate_measures_as_galsims_own(tmp_path):
    surrogate, expected = (run_galsim(tmp_path, name, gal) for name, gal in (("surrogate", SURROGATE), ("own", OWN)))
    assert surrogate.shape == (128, 192)
    for mine, theirs in zip(tiles(surrogate), tiles(expected), strict=True):
        assert mine.sum() == pytest.approx(theirs.sum(), rel=0.01)
        shapes = [galsim.hsm.FindAdaptiveMom(galsim.Image(tile)) for tile in (mine, theirs)]
        assert shapes[0].moments_sigma == pytest.approx(shapes[1].moments_sigma, rel=0.01)
        assert shapes[0].observed_shape.g1 == pytest.approx(shapes[1].observed_shape.g1, abs=0.003)
        assert shapes[0].observed_shape.g2 == pytest.approx(shapes[1].observed_shape.g2, abs=0.003)


@pytest.mark.slow
def test_the_configurations_seed_decides_the_galaxies(tmp_path):
    first, again, other = (run_galsim(tmp_path, f"run{k}", SPIRALS, seed) for k, seed in enumerate((7, 7, 8)))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.05 * first.max()
    one, two = tiles(first)[0], tiles(first)[4]
    assert np.abs(one / one.sum() - two / two.sum()).max() > 0.01 * (one / one.sum()).max()


def test_the_configuration_refuses_a_narrow_psf_and_unknown_parameters(tmp_path):
    assert "psf: it passes" in run_galsim(tmp_path, "narrow", SURROGATE, fwhm=0.08)
    assert "Unexpected attribute noise_r" in run_galsim(tmp_path, "noise", SURROGATE + "    noise_r: 3.0\n")
