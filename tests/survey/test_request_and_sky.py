"""What a survey can be asked for, and where its field lies."""

import numpy as np
import pytest

from surrogates.contract.errors import SurrogatesError
from surrogates.survey import Survey, SurveyError, lightcone
from surrogates.survey.sky import Field

BAD = [
    ({"area": "banana"}, "area: 'banana'; expected square degrees"),
    ({"area": -1}, "area: -1 deg2; expected 0.0001 to 400 deg2"),
    ({"area": "5000 deg2"}, "make several fields"),
    ({"area": float("nan")}, "area: nan"),
    ({"depth": 30.0}, "depth: 30 mag; expected 18 to 27 in i; deeper surveys see galaxies beyond"),
    ({"depth": float("inf")}, "depth: inf; expected a finite number"),
    ({"bands": "gq"}, "bands: 'q' is unknown; expected some of ugrizy"),
    ({"bands": ""}, "each once"),
    ({"bands": "gg"}, "each once"),
    ({"omega_m": 0.9}, "omega_m: 0.9; expected 0.2 to 0.4, where the boxes of matter were learned"),
    ({"sigma_8": 0.1}, "sigma_8: 0.1; expected 0.65 to 0.95"),
    ({"max_redshift": 6}, "max_redshift: 6; expected 0.02 to 3, where the boxes end"),
    ({"centre": (10.0, 91.0)}, "Dec of -90 to 90"),
    ({"centre": 4}, "centre: 4; expected right ascension"),
    ({"seed": 1.5}, "seed: 1.5; expected an integer"),
    ({"depths": {"z": 25.0}}, "depths: band 'z'; expected bands of the survey"),
    ({"depths": {"g": 99.0}}, r"depths\[g\]: 99 mag"),
]


@pytest.mark.parametrize(("asked", "line"), BAD, ids=lambda value: str(value)[:40])
def test_what_cannot_be_is_refused_in_one_line(asked, line):
    with pytest.raises(SurveyError, match=line) as caught:
        Survey(**asked)
    assert isinstance(caught.value, SurrogatesError)
    assert "\n" not in str(caught.value)


def test_units_and_order_are_put_right():
    survey = Survey(area="900 arcmin2", bands="i,g", centre=(-10.0, 5.0), depths={"g": 26.0})
    assert survey.square_degrees == pytest.approx(0.25)
    assert survey.bands == "gi"
    assert survey.centre == (350.0, 5.0)
    assert (survey.depth_of("g"), survey.depth_of("i")) == (26.0, 25.3)
    assert survey.limit == pytest.approx(26.8)


@pytest.mark.parametrize("centre", [(150.0, 2.2), (0.0, 0.0), (359.99, -45.0), (12.0, 90.0), (77.0, -90.0)])
@pytest.mark.parametrize("area", [0.01, 25.0])
def test_a_field_is_as_large_wherever_it_lies(centre, area):
    field = Field(area, centre)
    random = np.random.default_rng(3)
    reach = 1.2 * np.sqrt(2) * field.half_side
    cosine = 1 - random.random(400_000) * (1 - np.cos(reach))
    angle = 2 * np.pi * random.random(400_000)
    sine = np.sqrt(1 - cosine**2)
    cap = np.stack((cosine, sine * np.cos(angle), sine * np.sin(angle)), -1)
    inside = field.holds(cap)
    found = inside.mean() * 2 * np.pi * (1 - np.cos(reach)) * (180 / np.pi) ** 2
    assert found == pytest.approx(area, rel=0.02)
    right_ascension, declination = field.to_sky(cap)
    assert ((right_ascension >= 0) & (right_ascension < 360)).all()
    assert np.abs(declination).max() <= 90
    assert np.abs(field.from_sky(right_ascension, declination) - cap).max() < 1e-9
    middle = field.to_sky(np.array([[1.0, 0.0, 0.0]]))
    assert middle[1][0] == pytest.approx(centre[1])


def test_north_is_up_and_east_is_left():
    field = Field(1.0, (100.0, 30.0))
    _, north = field.to_sky(np.array([[1.0, 0.0, 1e-3]]))
    east, _ = field.to_sky(np.array([[1.0, 1e-3, 0.0]]))
    assert north[0] > 30.0 and east[0] > 100.0


@pytest.mark.parametrize("area", [0.01, 1.0, 20.0, 300.0])
def test_cells_fill_the_lightcone_once(area):
    survey = Survey(area=area)
    cells = {cell.index for cell in lightcone.cells(survey)}
    assert len({cell.identity for cell in lightcone.cells(survey)}) == len(cells)
    half = Field(survey.square_degrees, survey.centre).half_side
    random = np.random.default_rng(4)
    longitude, latitude = half * (2 * random.random((2, 20_000)) - 1)
    distance = 4400 * np.cbrt(random.random(20_000))
    x = distance * np.cos(latitude) * np.cos(longitude)
    y, z = distance * np.cos(latitude) * np.sin(longitude), distance * np.sin(latitude)
    found = np.floor(np.stack((x, y + lightcone.SIDE / 2, z + lightcone.SIDE / 2), -1) / lightcone.SIDE).astype(int)
    assert {tuple(index) for index in found.tolist()} <= cells


def test_one_square_degree_needs_35_boxes():
    assert len(lightcone.cells(Survey(area=1.0))) == 35


def test_long_waves_have_the_power_that_boxes_lack():
    survey = Survey(area=100.0)
    waves = lightcone.long_waves(survey)
    assert abs(waves.contrast.mean()) < 1e-6
    assert waves.contrast.var() == pytest.approx(waves.variance, rel=0.5)
    still = waves.contrast.reshape(-1).std()
    assert 0.02 < still < 0.2
