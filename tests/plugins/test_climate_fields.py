"""Statements about climate fields: what may be asked, what comes back, files, and what the figures see."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
import xarray as xr

from surrogates.contract.errors import SchemaError
from surrogates.contract.recipe import Batch
from surrogates.io.cf_fields import CF_FIELDS, jcm_layout
from surrogates.io.formats import FormatError
from surrogates.noise import Noise
from surrogates.physics.climate.enso import nino34
from surrogates.physics.climate.gaussian_grid import T31
from surrogates.physics.climate.laws import mean_surface_pressure
from surrogates.plugins.climate_fields.codec import ClimateCodec, season
from surrogates.plugins.climate_fields.conditions import LIMITS, complete, pattern, prior
from surrogates.plugins.climate_fields.features import CHANGES, NAMES, high_level, two_days
from surrogates.plugins.climate_fields.impostors import copula, linear
from surrogates.plugins.climate_fields.learning import refine
from surrogates.plugins.climate_fields.maps import anomaly_map
from surrogates.plugins.climate_fields.measure import el_nino
from surrogates.plugins.climate_fields.network import GRID_NOISE, WeatherModel
from surrogates.plugins.climate_fields.ocean import ocean
from surrogates.plugins.climate_fields.scores import climate_score
from surrogates.plugins.climate_fields.targets import FIGURES
from surrogates.plugins.climate_fields.training_data import PARTS
from surrogates.plugins.climate_fields.variables import CONDITIONS, OUTPUTS
from surrogates.sampling.files import read_field
from surrogates.sampling.request import ask, check_limits, condition_dataset


def climate(n: int, seed: int = 0, days: int = 2) -> xr.Dataset:
    """A climate made up of a smooth year and correlated noise, with the plugin's variables."""
    from surrogates.physics.climate.harmonics import synthesis
    from surrogates.physics.climate.laws import rain, with_mean_pressure

    generator = torch.Generator().manual_seed(seed)
    asked = prior(CONDITIONS, n, seed)
    asked["n_days"] = asked["n_days"].copy(data=np.full(n, days, dtype="int32"))
    order, degree = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    scale = torch.where(degree >= order, 1.0 / (1.0 + degree) ** 1.2, 0.0)
    parts = torch.randn(2, n, days, 3, 32, 32, dtype=torch.float64, generator=generator)
    parts[1, ..., 0, :] = 0.0
    parts[:, :, 1:] = 0.7 * parts[:, :, :1] + 0.5 * parts[:, :, 1:]
    noise = synthesis(torch.complex(parts[0], parts[1]) * scale)
    cosine = torch.as_tensor(np.cos(np.deg2rad(T31.latitudes)))[:, None]
    year = torch.as_tensor(np.cos(2 * np.pi * asked["day_of_year"].values / 365.0))[:, None, None, None]
    fields = {
        "tas": 260.0 + 30.0 * cosine - 5.0 * year * torch.as_tensor(T31.sines)[:, None] + 2.0 * noise[:, :, 0],
        "pr": rain(1.5 * cosine + noise[:, :, 2]),
        "ps": with_mean_pressure(98_000.0 * torch.exp(0.01 * noise[:, :, 1])),
    }
    return asked.merge(OUTPUTS.dataset({name: field.numpy() for name, field in fields.items()}))


@pytest.fixture(scope="module")
def training() -> xr.Dataset:
    return climate(120)


@pytest.fixture(scope="module")
def physical(training) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(training[name].values) for name in training.data_vars}


@pytest.fixture(scope="module")
def codec(physical) -> ClimateCodec:
    fitted = ClimateCodec(modes=20)
    fitted.fit([physical])
    return fitted


# What may be asked


def test_an_index_makes_a_map_of_that_index():
    asked = condition_dataset(CONDITIONS, n=3, nino34=2.0, day_of_year=15, check=True)
    filled = complete(CONDITIONS, asked, 1)
    np.testing.assert_allclose(nino34(filled["sst_anomaly"].values), 2.0, atol=0.02)
    assert (filled["day_of_year"].values == 15).all()
    check_limits(LIMITS, filled)


def test_what_is_not_asked_is_an_observed_ocean_that_depends_on_the_sample_alone():
    asked = condition_dataset(CONDITIONS, n=6, check=True)
    whole = complete(CONDITIONS, asked, 5)
    part = complete(CONDITIONS, asked.isel(sample=[4]), 5)
    np.testing.assert_array_equal(whole["sst_anomaly"].values[4], part["sst_anomaly"].values[0])
    assert len(np.unique(whole["day_of_year"].values)) > 1
    assert np.abs(whole["sst_anomaly"].values).max() <= 6.0


def test_land_in_a_map_is_ignored_and_a_gap_in_the_sea_is_named():
    anomaly = np.where(ocean().sea, 0.5, np.nan)
    filled = complete(CONDITIONS, condition_dataset(CONDITIONS, n=1, sst_anomaly=anomaly), 0)
    check_limits(LIMITS, filled)
    anomaly[24, 50] = np.nan
    filled = complete(CONDITIONS, condition_dataset(CONDITIONS, n=1, sst_anomaly=anomaly), 0)
    with pytest.raises(SchemaError, match="sst_anomaly.*every cell that holds some sea"):
        check_limits(LIMITS, filled)


def test_an_index_that_contradicts_the_map_is_refused():
    asked = condition_dataset(CONDITIONS, n=1, sst_anomaly=pattern(1.0), nino34=-1.0)
    with pytest.raises(SchemaError, match="nino34"):
        check_limits(LIMITS, complete(CONDITIONS, asked, 0))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_days": 0}, "n_days: 0 is out of range"),
        ({"n_days": 93}, "n_days: 93 is out of range"),
        ({"n_days": 1.5}, "n_days: 1.5 is not a whole number"),
        ({"day_of_year": 367}, "day_of_year: 367 is out of range"),
        ({"sst_anomaly": np.full((48, 96), 6.5)}, "sst_anomaly: 6.5 K is out of range"),
        ({"sst_anomaly": np.zeros((10, 20))}, "sst_anomaly: 10 along lat; expected 48"),
    ],
)
def test_what_cannot_be_asked_is_named(given, words):
    with pytest.raises(SchemaError) as caught:
        ask(CONDITIONS, 2, given).check()
    assert words in str(caught.value) and "\n" not in str(caught.value)


def regular_map(units: str = "K", offset: float = 0.0) -> xr.DataArray:
    """A warm equator on a one-degree grid from north to south and from -180."""
    latitudes, longitudes = np.arange(89.5, -90.0, -1.0), np.arange(-179.5, 180.0, 1.0)
    values = 2.0 * np.exp(-((latitudes / 15.0) ** 2))[:, None] * np.ones(360) + offset
    return xr.DataArray(values, {"latitude": latitudes, "longitude": longitudes}, attrs={"units": units})


@pytest.mark.parametrize("units", ["K", "degC"])
def test_a_map_on_another_grid_is_regridded_with_a_note_and_degrees_celsius_are_kelvin(units):
    with pytest.warns(UserWarning, match="regridded from 180 x 360"):
        found = anomaly_map(regular_map(units))
    expected = 2.0 * np.exp(-((T31.latitudes / 15.0) ** 2))
    np.testing.assert_allclose(found, np.repeat(expected[:, None], 96, 1), atol=0.02)


def test_a_map_with_land_left_out_reaches_the_coast():
    land = regular_map()
    land.values[:, 100:140] = np.nan
    with pytest.warns(UserWarning, match="regridded"):
        found = anomaly_map(land)
    assert np.isfinite(found[:, :40]).all()


def test_a_file_of_months_is_averaged_whatever_its_calendar(tmp_path):
    months = xr.concat([regular_map(), regular_map(offset=1.0)], "time").assign_coords(time=[15.0, 45.0])
    months["time"].attrs = {"units": "days since 1990-01-01", "calendar": "360_day"}
    months.rename("ssta").to_netcdf(tmp_path / "sst.nc", engine="h5netcdf")
    with pytest.warns(UserWarning, match="2 maps along time are averaged"):
        field = read_field(tmp_path / "sst.nc", CONDITIONS["sst_anomaly"])
        found = ask(CONDITIONS, 1, {"sst_anomaly": field}).whole()["sst_anomaly"].values[0]
    assert found[24].mean() == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (regular_map(offset=300.0), "temperatures"),
        (regular_map("degC", offset=25.0), "temperatures"),
        (regular_map("m"), "unit 'm'"),
        (regular_map().isel(longitude=slice(0, 90)), "longitude"),
        (np.full((48, 96), 290.0), "values around 290.0 are temperatures"),
        (np.full((48, 96), np.nan), "no cell has a value"),
        ("warm", "'warm' holds no numbers"),
    ],
)
def test_a_map_that_holds_no_anomalies_is_named(given, words):
    with pytest.raises(SchemaError, match=words):
        anomaly_map(given)


def test_the_prior_keeps_clear_of_held_out_oceans():
    free = ocean().free
    dates = np.arange("1979-01", "2014-01", dtype="datetime64[M]")
    assert not free[(dates >= np.datetime64("1997-07")) & (dates <= np.datetime64("1998-06"))].any()
    assert free.sum() > 380


def test_no_training_run_touches_a_held_out_winter():
    def days(part) -> set:
        return set(np.datetime64(part.start, "D") + np.arange(part.days))

    held = set().union(*(days(part) for part in PARTS if part.role != "training"))
    trained = set().union(*(days(part) for part in PARTS if part.role == "training"))
    assert not held & trained
    assert len({part.name for part in PARTS}) == len(PARTS)


# Codec and models


def test_encoded_days_decode_to_themselves(codec, physical):
    encoded = codec.encode(physical)
    decoded = codec.decode(encoded, physical)
    np.testing.assert_allclose(decoded["tas"], physical["tas"], atol=1e-3)
    np.testing.assert_allclose(decoded["pr"], physical["pr"], atol=1e-9)
    np.testing.assert_allclose(decoded["ps"], physical["ps"], rtol=1e-6)
    assert float(mean_surface_pressure(decoded, {}).max()) <= 1e-10  # and 1e-7 in float32
    assert bool(((decoded["pr"] == 0) == (physical["pr"] == 0)).all())


def test_standardised_weather_has_mean_zero_and_spread_one(codec, physical):
    fields = codec.encode(physical)["fields"][:, :, :2]
    assert float(fields.mean((0, 1)).abs().max()) < 0.6
    assert float(fields.std((0, 1)).mean()) == pytest.approx(1.0, abs=0.1)


def test_a_year_ends_where_it_began():
    torch.testing.assert_close(season(torch.tensor(1.0)), season(torch.tensor(366.2425).double()), atol=1e-5, rtol=0.0)


def test_the_linear_weather_keeps_its_variance_over_a_season(codec):
    from surrogates.noise import Noise

    states = torch.stack(list(codec.weather.states(Noise(1, torch.arange(400)), 90, "weather")))
    assert float(states.var((1, 2))[0]) == pytest.approx(1.0, abs=0.05)
    assert float(states.var((1, 2))[-1]) == pytest.approx(1.0, abs=0.1)
    lag = (states[1:] * states[:-1]).mean((0, 1))
    torch.testing.assert_close(lag, codec.weather.transition.diagonal(), atol=0.1, rtol=0.0)


def test_states_read_off_the_truth_are_those_of_the_linear_model(codec, physical):
    fields = codec.encode(physical)["fields"].flatten(0, 1)
    phase = season(physical["day_of_year"][:, None] + torch.arange(2)).float().flatten(0, 1)
    response = codec.linear(codec.encode(physical)["ocean"].repeat_interleave(2, 0), phase)
    states = codec.states(fields, phase, response)
    assert float(states.square().mean()) == pytest.approx(1.0, abs=0.05)
    base = response + codec.weather.anomalies(states).view_as(response)
    mean, spread = codec.year(phase)
    again = torch.cat((base[:, :2], (mean[:, 2:] + spread[:, 2:] * base[:, 2:])), dim=1)
    torch.testing.assert_close(codec.states(again, phase, response), states, atol=0.02, rtol=0.0)
    assert float((fields - again).square().mean()) < 0.9 * float((fields - fields.mean(0)).square().mean())


def test_noise_moves_east_and_keeps_its_variance(codec):
    torch.manual_seed(0)
    network = WeatherModel(codec).generator
    before, fresh = torch.randn(2, GRID_NOISE, 48, 96), torch.zeros(2, GRID_NOISE, 48, 96)
    with torch.no_grad():
        after = network.next_noise(before, fresh)
        torch.testing.assert_close(after[:, 5], network.persistence[5] * before[:, 5].roll(2, -1))
        renewed = network.next_noise(before, torch.randn(2, GRID_NOISE, 48, 96))
    assert float(renewed.var()) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("recipe", ["weather", "gan"])
def test_a_season_begins_with_the_day_that_is_drawn_alone(codec, recipe):
    from surrogates.noise import Noise
    from surrogates.plugins.climate_fields.plugin import PLUGIN

    torch.manual_seed(0)
    model = PLUGIN.recipes[recipe].model(codec).eval()
    asked = {name: torch.as_tensor(values.values) for name, values in prior(CONDITIONS, 2, 3).data_vars.items()}
    with torch.no_grad():
        alone = model.sample(codec.encode(asked), Noise(7, torch.arange(2)))["fields"]
        asked["n_days"] = torch.full((2,), 4)
        season_of_days = model.sample(codec.encode(asked), Noise(7, torch.arange(2)))["fields"]
    assert alone.shape == (2, 1, 3, 48, 96) and season_of_days.shape == (2, 4, 3, 48, 96)
    assert torch.equal(alone[:, 0], season_of_days[:, 0])
    assert not torch.equal(season_of_days[:, 0], season_of_days[:, 1])


def test_samples_that_ask_for_different_numbers_of_days_are_refused():
    with pytest.raises(SchemaError, match="n_days"):
        ask(CONDITIONS, 2, {"n_days": [2, 3]}, outputs=OUTPUTS)


def test_the_score_prefers_the_truth_to_smooth_and_to_shuffled_fields(codec, physical):
    fields = codec.encode(physical)["fields"]
    truth, first, second = fields[:40], fields[40:80], fields[80:120]
    best = climate_score(first, second, truth, (3, 2)).mean()
    smooth = [torch.nn.functional.avg_pool2d(part.flatten(0, 1), 3, 1, 1).view_as(part) for part in (first, second)]
    assert climate_score(*smooth, truth, (3, 2)).mean() > best
    apart = [part[:, :, :, torch.randperm(48)] for part in (first, second)]
    assert climate_score(*apart, truth, (3, 2)).mean() > best


# Figures and files


def test_two_truths_agree_better_than_impostors(training):
    other = climate(120, seed=9)
    floor = FIGURES(other, training)
    for impostor in (linear, copula):
        found = FIGURES(impostor(training, 1), other)
        assert found["neighbour_agreement"] > 3.0 * floor["neighbour_agreement"]


def test_the_copula_has_the_truths_own_distribution_in_every_cell(training):
    made = copula(training, 3)
    wet = [(side["pr"].values > 0).mean() for side in (made, training)]
    assert wet[0] == pytest.approx(wet[1], abs=0.02)


def test_features_are_finite_and_named(training):
    for found, names in ((high_level(training)[0], NAMES), (two_days(training)[0], CHANGES)):
        assert found.shape == (120, len(names)) and np.isfinite(found).all()
    assert len(set(NAMES)) == len(NAMES) and len(set(CHANGES)) == len(CHANGES)


def one_day_of_the_year(n: int, days: int = 3) -> xr.Dataset:
    """Samples that begin on 1 December."""
    samples = climate(n, days=days)
    return samples.assign(day_of_year=samples["day_of_year"].copy(data=np.full(n, 335.0)))


@pytest.mark.parametrize("n", [1, 4])
def test_cf_files_pass_the_checker_and_open_in_xarray(tmp_path, n):
    path, written = tmp_path / "winter.cf.nc", one_day_of_the_year(n)
    CF_FIELDS.write(iter([written.isel(sample=slice(0, n // 2)), written.isel(sample=slice(n // 2, None))]), path)
    with xr.open_dataset(path, engine="h5netcdf") as stored:
        assert stored["tas"].dims == (("realization",) if n > 1 else ()) + ("time", "lat", "lon")
        assert str(stored["time"].values[0])[:10] == "2001-12-01"
        np.testing.assert_array_equal(stored["ps"].values.reshape(n, 3, 48, 96), written["ps"].values)
    if find_spec("compliance_checker") is None:
        pytest.skip("compliance-checker is not installed")
    command = "from compliance_checker.cf.cf_1_11 import CF1_11Check; import compliance_checker.runner as r; "
    command += "from compliance_checker.suite import CheckSuite; CheckSuite.load_all_available_checkers(); "
    command += f"import sys; ok, failed = r.ComplianceChecker.run_checker({str(path)!r}, ['cf:1.11'], 0, 'lenient'); "
    command += "sys.exit(0 if ok and not failed else 1)"
    ran = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_samples_of_different_days_do_not_share_a_time_axis(tmp_path):
    written = climate(3)
    written["day_of_year"].values[:] = [1.0, 1.0, 40.0]
    with pytest.raises(FormatError, match="day_of_year: samples begin on days 1 and 40"):
        CF_FIELDS.write(iter([written]), tmp_path / "mixed.cf.nc")
    assert not list(tmp_path.iterdir())


def test_jcms_own_layout_has_its_names_and_axes():
    one = jcm_layout(one_day_of_the_year(1))
    assert one["normalized_surface_pressure"].dims == ("time", "lon", "lat")
    assert float(one["normalized_surface_pressure"].mean()) == pytest.approx(0.98, abs=0.02)
    with pytest.raises(FormatError, match="2 samples; expected one"):
        jcm_layout(one_day_of_the_year(2))


def test_weather_left_in_composites_of_el_nino_counts_as_no_error():
    """Days that share 0.8 of a response, under weather that alone would take the slope and the correlation."""
    rng = np.random.default_rng(0)
    pattern = ocean().nino34_pattern
    strength = np.repeat([2.0, -2.0], 360)
    days = np.tile(np.arange(360), 2) + 1.0
    shape = (720, 2, *pattern.shape)

    def side(share: float) -> xr.Dataset:
        signal = (share * strength)[:, None, None, None] * pattern
        weather = rng.standard_normal(shape) * 20.0
        fields = dict.fromkeys(("pr", "ps"), (("sample", "day", "lat", "lon"), signal + weather))
        anomaly = strength[:, None, None] * pattern
        return xr.Dataset(
            {**fields, "day_of_year": ("sample", days), "sst_anomaly": (("sample", "lat", "lon"), anomaly)}
        )

    truth = side(1.0)
    maps = [one["ps"].values[strength > 0].mean((0, 1)).ravel() for one in (truth, side(1.0))]
    assert np.corrcoef(*maps)[0, 1] < 0.9  # what the maps themselves say of equal climates
    found = el_nino(side(0.8), truth)
    assert found["enso_pattern_ps"] < 0.06
    assert abs(found["enso_slope_pr"] - 0.2) < 0.06
    assert el_nino(side(0.0), truth)["enso_slope_pr"] > 0.9


def test_the_response_to_the_ocean_is_found_season_by_season():
    """Fields that follow El Nino in January and not in July, and the ocean beneath them all year, under weather."""
    torch.manual_seed(3)
    pattern = torch.as_tensor(ocean().nino34_pattern).float() / 2.0
    days = torch.arange(720) % 365 + 1.0
    strength = 2.0 * torch.randn(720)
    phase = season(days)
    far = torch.zeros(3, 48, 96)
    far[1, 30:40, 20:60] = 0.5
    winter = (0.5 + 0.5 * phase[:, 1]).float()
    sea = strength[:, None, None] * pattern
    wanted = (strength * winter)[:, None, None, None] * far
    wanted[:, 0] += sea
    codec = ClimateCodec(modes=4)
    codec._fit_response(wanted + torch.randn_like(wanted), sea, phase)
    made = codec.linear(sea, phase)
    for month, share in ((1.0, 1.0), (182.0, 0.0)):
        row = season(torch.tensor([month]))
        shown = codec.linear(2.0 * pattern[None], row)[0, 1, 32:38, 25:55].mean() / 2.0
        assert float(shown) == pytest.approx(0.5 * share, abs=0.15)
    missed = (made - wanted).square().mean((0, 2, 3)) / wanted.square().mean((0, 2, 3)).clamp(min=1e-3)
    assert float(missed[0]) < 0.3 and float(missed[1]) < 0.3


def test_rain_over_bands_of_latitude_is_calibrated_and_dry_stays_dry(codec, training):
    model = WeatherModel(codec)
    encoded = codec.encode({name: torch.as_tensor(training[name].values) for name in training.data_vars})
    fields, conditions = encoded["fields"][:, 0], {name: encoded[name] for name in ("day", "ocean")}
    torch.testing.assert_close(model.with_bands(fields, conditions, 0), fields)
    wetter = fields.clone()
    wetter[:, 2] *= 1.2
    model.tally_bands(wetter, fields, conditions, 0)
    model.bands.match(model.drawn_bands, model.given_bands)
    again = model.with_bands(wetter, conditions, 0)
    assert bool(((again[:, 2] > 0.0) == (fields[:, 2] > 0.0)).all())
    torch.testing.assert_close(model.band_means(again), model.band_means(fields), rtol=0.1, atol=0.02)


def test_temperature_and_pressure_stay_from_day_to_day_as_in_training_and_rain_is_left(codec, physical):
    model = WeatherModel(codec)
    encoded = codec.encode(physical)
    fields, conditions = encoded["fields"], {name: encoded[name] for name in ("day", "ocean")}
    generator = torch.Generator().manual_seed(3)
    drawn = fields.clone()
    drawn[:, 1, :2] = model.response(conditions, 1)[:, :2] + torch.randn(len(fields), 2, 48, 96, generator=generator)
    for day, plain in enumerate(model.lagged(drawn.unbind(1), conditions)):
        torch.testing.assert_close(plain, drawn[:, day], rtol=0.0, atol=1e-5)
    model.tally_lags(drawn, fields, conditions)
    model.match_lags()
    first, second = model.lagged(drawn.unbind(1), conditions)
    torch.testing.assert_close(first, drawn[:, 0], rtol=0.0, atol=1e-5)
    torch.testing.assert_close(second[:, 2], drawn[:, 1, 2])

    def kept(*days: torch.Tensor) -> torch.Tensor:
        one, two = (side[:, :2] - model.response(conditions, day)[:, :2] for day, side in enumerate(days))
        one, two = (side - side.mean(0) for side in (one, two))
        return (one * two).mean() / (one.square().mean() * two.square().mean()).sqrt()

    truth = kept(*fields.unbind(1))
    assert truth > kept(*drawn.unbind(1)) + 0.1
    assert abs(kept(first, second) - truth) < 0.05


def test_a_critic_is_shown_both_days_and_what_is_known(codec, physical):
    model = WeatherModel(codec, width=16, coarse_width=16)
    encoded = codec.encode(physical)
    rows = {name: encoded[name][:4] for name in ("fields", "day", "ocean")}
    batch = Batch({"fields": rows["fields"]}, {k: rows[k] for k in ("day", "ocean")}, Noise(1, torch.arange(4)), 0)
    shown = model.shown(batch.encoded["fields"], batch.conditions)
    assert shown.shape == (4, 12, 48, 96) and float(shown[:, (2, 5)].min()) >= 0.0
    losses = dict(refine(model, batch))
    assert set(losses) == {"discriminator", "generator"} and 0.0 <= batch.notes["separation"] <= 1.0
    losses["generator"].mean().backward()
    assert all(p.grad is not None for p in model.generator.parameters())
