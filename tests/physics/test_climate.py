"""Statements about global fields: spectra, the mass of air, rain areas, regridding and El Nino's index."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.physics.climate.diagnostics import geostrophic_wind, sea_level_pressure, water_imbalance
from surrogates.physics.climate.enso import nino34
from surrogates.physics.climate.gaussian_grid import T21, T31, area_mean
from surrogates.physics.climate.harmonics import analysis, power, synthesis
from surrogates.physics.climate.laws import (
    MEAN_SURFACE_PRESSURE,
    mean_surface_pressure,
    negative_rain,
    rain,
    rain_root,
    with_mean_pressure,
)
from surrogates.physics.climate.rain_objects import WET, labelled, neighbour_agreement, object_statistics
from surrogates.physics.climate.regridding import GridError, conservative


def random_coefficients(seed: int, truncation: int = 31) -> torch.Tensor:
    """Coefficients (order, degree) of a real band-limited field."""
    generator = torch.Generator().manual_seed(seed)
    parts = torch.randn(2, truncation + 1, truncation + 1, dtype=torch.float64, generator=generator)
    order, degree = torch.meshgrid(torch.arange(truncation + 1), torch.arange(truncation + 1), indexing="ij")
    parts = parts * (degree >= order)
    parts[1, 0] = 0.0
    return torch.complex(parts[0], parts[1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_band_limited_field_survives_its_spectrum(seed):
    coefficients = random_coefficients(seed)
    assert (analysis(synthesis(coefficients)) - coefficients).abs().max() < 1e-11


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_power_by_degree_adds_up_to_the_mean_square(seed):
    field = synthesis(random_coefficients(seed))
    torch.testing.assert_close(power(field).sum(), area_mean(field.square()), rtol=1e-10, atol=0.0)


@pytest.mark.parametrize("degree", [1, 2, 7, 31])
def test_a_zonal_harmonic_is_a_legendre_polynomial(degree):
    coefficients = torch.zeros(32, 32, dtype=torch.complex128)
    coefficients[0, degree] = 1.0
    expected = np.sqrt(2 * degree + 1) * np.polynomial.legendre.Legendre.basis(degree)(T31.sines)
    np.testing.assert_allclose(synthesis(coefficients)[:, 5].numpy(), expected, atol=1e-11)


def test_power_does_not_change_when_a_field_is_turned_about_the_axis():
    field = synthesis(random_coefficients(3))
    torch.testing.assert_close(power(field.roll(17, -1)), power(field), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("grid", [T31, T21])
def test_gaussian_cells_cover_the_sphere(grid):
    assert grid.cell_weights().sum() == pytest.approx(1.0, abs=1e-14)
    assert grid.latitude_bounds[0, 0] == -90.0 and grid.latitude_bounds[-1, 1] == 90.0
    bands = np.diff(np.sin(np.deg2rad(grid.latitude_bounds)), axis=1)[:, 0] / 2.0
    np.testing.assert_allclose(bands, grid.weights, atol=1e-14)
    inside = (grid.latitudes > grid.latitude_bounds[:, 0]) & (grid.latitudes < grid.latitude_bounds[:, 1])
    assert inside.all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_day_has_the_same_mass_of_air_and_its_pattern_of_pressure(seed):
    generator = torch.Generator().manual_seed(seed)
    pressure = 98_000.0 * torch.exp(0.1 * torch.randn(3, 48, 96, dtype=torch.float64, generator=generator))
    projected = with_mean_pressure(pressure)
    assert mean_surface_pressure({"ps": projected[:, None]}, {}).max() <= 1e-10
    assert mean_surface_pressure({"ps": projected.float()[:, None]}, {}).max() <= 1e-7
    assert mean_surface_pressure({"ps": pressure[:, None]}, {}).max() > 1e-6
    change = torch.log(projected) - torch.log(pressure)
    assert (change - change.mean((-2, -1), keepdim=True)).abs().max() < 1e-12
    assert (with_mean_pressure(projected) / projected - 1.0).abs().max() < 1e-14


def test_the_projection_is_differentiable():
    pressure = torch.full((1, 48, 96), MEAN_SURFACE_PRESSURE + 50.0, dtype=torch.float64, requires_grad=True)
    with_mean_pressure(pressure)[0, 20, 30].backward()
    assert pressure.grad is not None and bool(pressure.grad.isfinite().all()) and float(pressure.grad.abs().sum()) > 0


def test_rain_is_exactly_zero_where_its_root_is_not_positive():
    root = torch.tensor([-1.0, -0.0, 0.0, 0.5, 2.0], dtype=torch.float64)
    made = rain(root)
    assert (made[:3] == 0.0).all() and (made[3:] > 0.0).all()
    torch.testing.assert_close(rain_root(made), root.clamp(min=0.0))
    assert float(negative_rain({"pr": made[None]}, {})) == 0.0
    assert float(negative_rain({"pr": -made[None]}, {})) > 0.0


def test_pressure_at_sea_level_is_that_of_the_surface_where_there_is_no_height():
    pressure, temperature = torch.full((48, 96), 95_000.0), torch.full((48, 96), 280.0)
    height = torch.zeros(48, 96)
    height[10] = 1000.0
    reduced = sea_level_pressure(pressure, temperature, height)
    assert (reduced[0] == 95_000.0).all()
    assert 106_000.0 < float(reduced[10, 0]) < 108_000.0


def test_a_closed_climate_evaporates_what_it_rains():
    evaporation = torch.rand(48, 96, dtype=torch.float64)
    assert float(water_imbalance(evaporation.roll(9, -1), evaporation)) == pytest.approx(0.0, abs=1e-12)
    assert float(water_imbalance(0.9 * evaporation, evaporation)) == pytest.approx(0.1)


def test_pressure_that_falls_towards_the_poles_drives_westerlies():
    latitude = torch.deg2rad(torch.as_tensor(T31.latitudes))
    pressure = (101_000.0 - 3_000.0 * torch.sin(latitude) ** 2)[:, None].expand(48, 96)
    eastward, northward = geostrophic_wind(pressure)
    row = int(np.argmin(np.abs(T31.latitudes - 45.0)))
    expected = (
        3_000.0
        * np.sin(2 * np.deg2rad(T31.latitudes[row]))
        / (1.2 * 2 * 7.292e-5 * np.sin(np.deg2rad(T31.latitudes[row])) * 6.371e6)
    )
    assert float(eastward[row, 0]) == pytest.approx(expected, rel=0.01)
    assert float(northward[row].abs().max()) < 1e-9
    assert bool(eastward[24].isnan().all())


def test_a_rain_area_across_the_date_line_is_one():
    wet = np.zeros((48, 96), dtype=bool)
    wet[20:23, [94, 95, 0, 1]] = True
    wet[40, 50] = True
    labels, count = labelled(wet)
    assert count == 2
    assert len(set(labels[21, [94, 95, 0, 1]])) == 1
    assert labels[21, 0] != labels[40, 50]


def test_areas_keep_their_number_size_and_shape_when_turned_about_the_axis():
    rain_map = np.random.default_rng(1).gamma(0.3, 20.0 * WET, (48, 96))
    weights = T31.cell_weights()
    for turn in (1, 30, 95):
        np.testing.assert_allclose(
            object_statistics(np.roll(rain_map, turn, 1), weights), object_statistics(rain_map, weights), rtol=1e-6
        )


def test_a_band_along_a_latitude_is_longer_than_one_across():
    along, across = np.zeros((48, 96)), np.zeros((48, 96))
    along[20:22, 10:30] = 10 * WET
    across[10:30, 20:22] = 10 * WET
    weights = T31.cell_weights()
    assert object_statistics(along, weights)[3] > 5 > 0.5 > object_statistics(across, weights)[3]


def test_neighbours_agree_in_a_smooth_field_and_half_the_time_in_noise():
    smooth = np.zeros((48, 96))
    smooth[:24] = 10 * WET
    assert (neighbour_agreement(smooth) > 0.97).all()
    noise = np.random.default_rng(0).choice([0.0, 10 * WET], (48, 96))
    np.testing.assert_allclose(neighbour_agreement(noise), 0.5, atol=0.03)


def regular(n_latitude: int, n_longitude: int) -> tuple[np.ndarray, np.ndarray]:
    """Cell centres of a regular grid."""
    return (np.arange(n_latitude) + 0.5) * 180.0 / n_latitude - 90.0, np.arange(n_longitude) * 360.0 / n_longitude


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 100), st.integers(10, 200), st.integers(0, 1000))
def test_regridding_conserves_the_area_integral(n_latitude, n_longitude, seed):
    latitudes, longitudes = regular(n_latitude, n_longitude)
    field = np.random.default_rng(seed).normal(size=(n_latitude, n_longitude))
    edges = np.sin(np.deg2rad(np.linspace(-90.0, 90.0, n_latitude + 1)))
    expected = (field.mean(1) * np.diff(edges) / 2.0).sum()
    found = (conservative(field, latitudes, longitudes) * T31.cell_weights()).sum()
    assert found == pytest.approx(expected, abs=1e-10)


def test_regridding_does_not_mind_which_way_a_grid_runs():
    latitudes, longitudes = regular(90, 180)
    field = np.random.default_rng(0).normal(size=(90, 180))
    expected = conservative(field, latitudes, longitudes)
    np.testing.assert_allclose(conservative(field[::-1], latitudes[::-1], longitudes), expected, atol=1e-12)
    turned = np.where(longitudes >= 180.0, longitudes - 360.0, longitudes)
    np.testing.assert_allclose(conservative(field, latitudes, turned), expected, atol=1e-12)
    order = np.argsort(turned)
    np.testing.assert_allclose(conservative(field[:, order], latitudes, turned[order]), expected, atol=1e-12)
    closed = np.append(longitudes, 360.0)
    np.testing.assert_allclose(conservative(field[:, [*range(180), 0]], latitudes, closed), expected, atol=1e-12)


def test_regridding_leaves_out_cells_without_a_value():
    latitudes, longitudes = regular(90, 180)
    field = np.ones((90, 180))
    field[:, :90] = np.nan
    found = conservative(field, latitudes, longitudes)
    assert np.isnan(found[:, 20]).all() and np.nanmax(np.abs(found - 1.0)) < 1e-12


@pytest.mark.parametrize(
    ("latitudes", "longitudes", "words"),
    [
        (np.array([0.0, 10.0, 5.0]), np.arange(0.0, 360.0, 90.0), "latitude"),
        (np.array([-100.0, 0.0, 100.0]), np.arange(0.0, 360.0, 90.0), "latitude"),
        (np.array([-45.0, 0.0, 45.0]), np.array([0.0, 10.0, 20.0, 30.0]), "longitude"),
    ],
)
def test_a_grid_that_is_none_is_named(latitudes, longitudes, words):
    with pytest.raises(GridError, match=words):
        conservative(np.zeros((3, 4)), latitudes, longitudes)


def test_a_uniform_warming_is_its_own_index():
    assert nino34(np.full((48, 96), 1.5)) == pytest.approx(1.5)
    only_north = np.where(T31.latitudes[:, None] > 20.0, 5.0, 0.0) * np.ones((48, 96))
    assert nino34(only_north) == 0.0
