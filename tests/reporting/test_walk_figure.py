"""A walk is a page of pictures, and a model without pictures says that it has none."""

import numpy as np
import pytest
from click.testing import CliRunner

import surrogates
from surrogates.cli.entry import surrogates as commands
from surrogates.contract.errors import SurrogatesError
from surrogates.plotting.images import pictures
from surrogates.reporting.walks import PAIRS, STEPS, walk_figure


def test_rows_of_a_walk_begin_with_the_sample_itself():
    surrogate = surrogates.load("galaxy-images", model="gan")
    figure = walk_figure(surrogate, seed=4)
    panels = [axes.images[0].get_array().data for axes in figure.axes]
    rows = [panels[k * STEPS : (k + 1) * STEPS] for k in range(2 * PAIRS + 1)]
    assert len(panels) == STEPS * len(rows) and all(np.ptp(panel) > 0 for panel in panels)
    steps = [np.abs(one - other).mean() for one, other in zip(rows[0], rows[0][1:], strict=False)]
    assert 0 < max(steps) < np.abs(rows[0][0] - rows[1][0]).mean()  # small steps within a row


def test_fields_are_shown_on_one_scale_from_0_to_1():
    fields = np.random.default_rng(1).normal(size=(3, 2, 8, 9)) ** 3
    shown = pictures(fields)
    assert [picture.shape for picture in shown] == [(8, 9, 1)] * 3
    order = np.argsort(fields.mean(axis=1), axis=None)
    assert np.all(np.diff(np.stack(shown)[..., 0].ravel()[order]) >= 0)
    colours = np.random.default_rng(2).random((2, 8, 9, 3))
    assert np.array_equal(np.stack(pictures(colours, (0.0, 1.0))), colours)


def test_a_model_without_pictures_says_so():
    with pytest.raises(SurrogatesError, match="jets: no output is a picture"):
        walk_figure(surrogates.load("jets"))


@pytest.mark.parametrize(
    "words", [["plot", "jets"], ["plot", "jets", "a.nc", "--walk"], ["plot", "jets", "a.nc", "--model", "flow"]]
)
def test_plot_takes_samples_or_walks(words):
    found = CliRunner().invoke(commands, [*words, "-o", "a.png"])
    assert found.exit_code == 2 and "--walk" in found.output
