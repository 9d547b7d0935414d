"""Panels show the numbers that they are given, with their errors, and leave a session's style alone."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import rcParams
from matplotlib.figure import Figure

from surrogates.plotting import images, panels
from surrogates.plotting.palette import CLASSES, SAMPLES, of_class


def page(rows=1, columns=1):
    drawn = Figure()
    return drawn, drawn.subplots(rows, columns, squeeze=False)


def numbers(n=2000, seed=0):
    return np.random.default_rng(seed).normal(size=n)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-5, 5) | st.just(float("nan")), max_size=60), st.booleans())
def test_a_density_integrates_to_the_share_that_its_bins_hold(values, ends):
    edges = np.linspace(-2, 2, 9)
    known = np.array([value for value in values if np.isfinite(value)])
    held = 1.0 if ends else np.mean((known >= -2) & (known <= 2)) if len(known) else 0.0
    found = panels.density(np.array(values), edges, ends=ends)
    assert (found.value * np.diff(edges)).sum() == pytest.approx(held if len(known) else 0.0)


def test_a_weight_of_two_counts_as_two_with_a_larger_error():
    edges = np.array([0.0, 1.0])
    plain = panels.density(np.array([0.5, 0.5, 2.0]), edges)
    weighted = panels.density(np.array([0.5, 2.0]), edges, np.array([2.0, 1.0]))
    assert plain.value[0] == weighted.value[0] == pytest.approx(2 / 3)
    assert plain.error[0] == pytest.approx(np.sqrt(2) / 3) and weighted.error[0] == pytest.approx(2 / 3)


def test_the_ratio_is_that_of_the_densities():
    drawn = Figure()
    ((upper, lower),) = panels.ratio_axes(drawn, 1, 1)
    ours, theirs = np.repeat([0.5, 1.5], [30, 10]), np.repeat([0.5, 1.5], [20, 20])
    panels.ratio_histogram((upper, lower), (ours, theirs), np.array([0.0, 1.0, 2.0]), "x [m]")
    (points,) = (container for container in lower.containers)
    assert points[0].get_ydata().tolist() == [1.5, 0.5]
    assert lower.get_xlabel() == "x [m]" and upper.get_ylim()[0] == 0.0


def test_each_class_has_its_colour_and_its_name():
    drawn = Figure()
    ((upper, lower),) = panels.ratio_axes(drawn, 1, 1)
    sides = [(numbers(seed=1), numbers(seed=2)), (numbers(seed=3) + 1, numbers(seed=4) + 1)]
    panels.ratio_histogram((upper, lower), sides, np.linspace(-3, 4, 20), "x", names=("cat", "dog"))
    handles, labels = upper.get_legend_handles_labels()
    assert labels == ["cat", "dog"]
    assert [handle.get_edgecolor() for handle in handles] != [handles[0].get_edgecolor()] * 2
    assert of_class(8) == CLASSES[0] == SAMPLES


def test_samples_alone_need_no_truth():
    drawn = Figure()
    ((upper, lower),) = panels.ratio_axes(drawn, 1, 1, ratios=False)
    assert lower is None
    panels.ratio_histogram((upper, lower), (numbers(), None), np.linspace(-3, 3, 10), "x")
    panels.lines((upper, lower), np.arange(3.0), (np.ones((5, 3)), None))
    panels.profile(upper, (numbers(), None), (numbers(), None), np.linspace(-3, 3, 4))
    assert upper.get_xlabel() == "x"


def test_a_profile_is_the_mean_in_bins_with_its_standard_error():
    drawn, ((axes,),) = page()
    x, y = np.repeat([0.5, 1.5], 50), np.concatenate([numbers(50), numbers(50, 1) + 3])
    panels.profile(axes, (x, None), (y, None), np.array([0.0, 1.0, 2.0]))
    (drawn_points,) = axes.containers
    assert drawn_points[0].get_ydata() == pytest.approx([y[:50].mean(), y[50:].mean()])
    (bars,) = drawn_points[2]
    lengths = [segment[1, 1] - segment[0, 1] for segment in bars.get_segments()]
    assert lengths == pytest.approx([2 * y[:50].std() / 50**0.5, 2 * y[50:].std() / 50**0.5])


def test_curves_show_their_mean_and_ratio():
    drawn, grid = page(2)
    panels.lines((grid[0, 0], grid[1, 0]), np.arange(3.0), (np.full((4, 3), 3.0), np.full((4, 3), 2.0)), band=0.05)
    assert grid[1, 0].lines[0].get_ydata().tolist() == [1.5, 1.5, 1.5]
    assert grid[0, 0].get_legend_handles_labels()[1] == ["samples", "truth"]


def test_parity_states_its_mean_error_and_leaves_out_what_is_missing():
    drawn, ((axes,),) = page()
    found, true = np.array([1.0, 2.0, np.nan, 4.0]), np.array([1.5, 2.0, 3.0, 3.0])
    panels.parity(axes, found, true, ends=(found - 1, found + 1), units="eV")
    assert axes.get_title() == "mean error 0.5 eV"
    panels.parity(page()[1][0, 0], np.array([np.nan]), np.array([1.0]))


def test_shares_have_binomial_errors():
    drawn, ((axes,),) = page()
    panels.shares(axes, ("pi_nu", "rho"), (np.array([0.25, 0.75]), np.array([0.5, 0.5])), (100, 400))
    first = axes.containers[0][2][0].get_segments()[0]
    assert first[1, 0] - first[0, 0] == pytest.approx(2 * np.sqrt(0.25 * 0.75 / 100))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["pi nu", "rho"]


def test_pictures_stand_where_their_names_say():
    drawn, ((axes,),) = page()
    black, white = np.zeros((1, 8, 8)), np.ones((3, 8, 8)) * 0.5
    images.image_grid(axes, {"samples": [black, white], "truth": [white, black]}, ("a_b", "c"), columns=2)
    shown = np.asarray(axes.images[0].get_array())
    assert shown.shape == (16, 2 * 16 + 1)
    assert shown[4, 4] == 0.0 and shown[4, 12] == 1.0 and shown[4, 20] == 0.5 and shown[12, 4] == 0.5
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a b", "c"]


def test_maps_share_one_scale_and_their_difference_is_symmetric():
    drawn, grid = page(1, 4)
    samples, truth = np.full((4, 6), 3.0), np.full((4, 6), 1.0)
    images.maps(drawn, list(grid[0]), {"samples": samples, "truth": truth}, "rain [mm]", quantiles=(0.0, 1.0))
    limits = [axes.images[0].get_clim() for axes in grid[0][:3]]
    assert limits == [(1.0, 3.0), (1.0, 3.0), (-2.0, 2.0)]
    assert not grid[0][3].axison
    on_sphere, axes = page(1, 3)
    x, y = np.arange(6.0), np.arange(4.0)
    decorated = []
    images.maps(on_sphere, list(axes[0]), {"a": samples, "b": truth}, "K", x=x, y=y, decorate=decorated.append)
    assert len(decorated) == 3


def test_a_projection_is_the_mean_of_its_slab_with_x_across():
    volume = np.zeros((4, 3, 2))
    volume[1, 2, 0] = 6.0
    assert images.projection(volume)[2, 1] == 3.0
    assert images.projection(volume, slab=slice(0, 1))[2, 1] == 6.0
    drawn, grid = page(1, 3)
    assert images.sections(list(grid[0]), volume, "density") is not None
    assert images.sections(list(grid[0]), volume * np.nan, "density") is None


def test_a_figure_in_paper_style_leaves_the_session_as_it_was():
    before = rcParams["font.size"], rcParams["pdf.fonttype"]

    @panels.styled
    def draw():
        return rcParams["font.size"], rcParams["pdf.fonttype"]

    assert draw() == (9, 42)
    assert (rcParams["font.size"], rcParams["pdf.fonttype"]) == before


def test_panels_import_neither_matplotlib_nor_pyplot():
    code = "import sys, surrogates.plotting.panels, surrogates.plotting.images; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
