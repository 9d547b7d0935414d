"""The cosmic web: what the network cannot get wrong, and boxes from seeds and from users' own initial fields."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.noise import Noise
from surrogates.physics.cosmology.background import Cosmology
from surrogates.physics.cosmology.initial_fields import expected_variance
from surrogates.plugins.cosmic_web import impostors, measure
from surrogates.plugins.cosmic_web.codec import CHANNELS, BoxCodec
from surrogates.plugins.cosmic_web.network import BoxSampler, CosmicWeb, learn
from surrogates.plugins.cosmic_web.plugin import PLUGIN
from surrogates.plugins.cosmic_web.prior import complete, prior
from surrogates.plugins.cosmic_web.reference import NBodyReference, training_boxes
from surrogates.plugins.cosmic_web.variables import CONDITIONS, SPACING


@pytest.fixture(scope="module")
def model() -> CosmicWeb:
    """A network with random weights everywhere, so that nothing holds because it is 0."""
    torch.manual_seed(0)
    made = CosmicWeb()
    for parameter in made.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def asked():
    """Two boxes of 32^3 particles."""
    boxes = prior(CONDITIONS, 2, 3).isel(x=slice(32), y=slice(32), z=slice(32))
    rng = np.random.default_rng(1)
    values = {name: boxes[name].values for name in CONDITIONS.names}
    fields = rng.normal(0, 1, (2, 32, 32, 32))
    fields *= np.sqrt(expected_variance(32, 64.0, Cosmology(0.3, 0.8)))
    values["initial_density"] = fields - fields.mean(axis=(1, 2, 3), keepdims=True)
    values |= {"omega_m": np.full(2, 0.3), "sigma_8": np.full(2, 0.8)}
    return CONDITIONS.dataset(values)


@pytest.fixture(scope="module")
def evolved(asked):
    return NBodyReference().sample(asked, seed=0)


def tensors(dataset, names):
    return {name: torch.tensor(dataset[name].values).double() for name in names}


def test_a_moved_box_gets_the_moved_correction(model: CosmicWeb):
    features, context = torch.randn(32, 32, 32, CHANNELS), torch.randn(3)
    moved = model.correct(features.roll((3, -7, 1), (0, 1, 2)), context)
    assert torch.allclose(moved, model.correct(features, context).roll((3, -7, 1), (0, 1, 2)), atol=1e-5)


def test_a_boost_and_a_shift_of_all_particles_change_nothing(model: CosmicWeb):
    features, context = torch.randn(16, 16, 16, CHANNELS), torch.randn(3)
    shifted = features.clone()
    shifted[..., :3] += 5.0
    shifted[..., 3:6] -= 2.0
    assert torch.allclose(model.correct(features, context), model.correct(shifted, context), atol=1e-4)


def test_tiles_agree_with_the_whole_box(model: CosmicWeb, monkeypatch):
    features, context = torch.randn(48, 32, 32, CHANNELS), torch.randn(3)
    whole = model.correct(features, context)
    monkeypatch.setattr("surrogates.plugins.cosmic_web.network.TILE", 16)
    assert torch.allclose(model.correct(features, context), whole, atol=1e-5)


def test_corrections_make_no_momentum(model: CosmicWeb):
    found = model.correct(torch.randn(16, 16, 16, CHANNELS), torch.randn(3))
    assert float(found.mean(dim=(0, 1, 2)).abs().max()) < 1e-6


def test_the_reference_comes_back_from_its_encoding(asked, evolved):
    codec = BoxCodec()
    physical = tensors(evolved, (*CONDITIONS.names, "displacement", "velocity"))
    encoded = codec.encode(physical)
    decoded = codec.decode({"particles": encoded["cheap"] + encoded["missing"]}, physical)
    for name in PLUGIN.outputs.names:
        assert np.allclose(decoded[name].numpy(), evolved[name].values, atol=2e-3 * np.abs(evolved[name].values).max())


def test_every_law_holds_by_construction(model: CosmicWeb, asked):
    codec, physical = BoxCodec(), tensors(asked, CONDITIONS.names)
    outputs = codec.decode(model.sample(codec.encode(physical), None), physical)
    for law in PLUGIN.constraints:
        assert float(law.residual(outputs, physical).max()) <= law.tolerance


def test_training_lowers_the_loss_of_a_box(asked, evolved):
    from surrogates.contract.recipe import Batch

    torch.manual_seed(0)
    model, codec = CosmicWeb(), BoxCodec()
    one = evolved.isel(sample=[int(np.argmin(evolved["redshift"].values))])
    encoded = codec.encode(tensors(one, (*CONDITIONS.names, "displacement", "velocity")))
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    losses = []
    for step in range(12):
        conditions = {name: encoded[name] for name in ("cheap", "features", "context")}
        batch = Batch({"missing": encoded["missing"]}, conditions, Noise(0, torch.arange(1)), step)
        ((name, loss),) = learn(model, batch)
        assert name == "correction"
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(float(loss.detach().mean()))
    assert losses[-1] < losses[0] - 0.1


def test_an_unknown_precision_is_refused():
    with pytest.raises(SchemaError, match="precision: 'half'"):
        BoxSampler("half")


def test_equal_seeds_start_from_equal_fields_whatever_is_asked_beside():
    few, many = (prior(CONDITIONS, n, 7) for n in (1, 2))
    assert few.identical(many.isel(sample=[0]))
    assert few["initial_density"].shape == (1, 64, 64, 64)
    values = {name: few[name].values for name in ("omega_m", "sigma_8", "redshift")}
    unasked = CONDITIONS.dataset({**values, "initial_density": np.full((1, 1, 1, 1), np.nan)})
    assert few.identical(complete(CONDITIONS, unasked, 7))
    other = complete(CONDITIONS, unasked, 8)
    assert not np.array_equal(few["initial_density"], other["initial_density"])


def test_a_given_field_is_kept(asked):
    assert np.array_equal(complete(CONDITIONS, asked, 1)["initial_density"], asked["initial_density"])


def test_a_field_far_from_the_asked_sigma_8_is_said(asked):
    assert not any(warned(complete, CONDITIONS, asked, 1))
    assert any(
        "that of sigma_8 = 1.6" in text
        for text in warned(complete, CONDITIONS, asked.assign(initial_density=2 * asked["initial_density"]), 1)
    )


def warned(call, *arguments) -> list[str]:
    """What a call warns of."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call(*arguments)
    return [str(item.message) for item in found]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda field: field + 0.5, "initial_density: mean 0.5"),
        (lambda field: np.where(field > 6, np.nan, field), "values are NaN"),
        (lambda field: field[:16] - field[:16].mean(), "16 x 32 x 32 points; expected a cube"),
    ],
)
def test_a_field_that_no_box_starts_from_is_one_line(asked, spoil, message):
    row = asked.isel(sample=[0])
    values = {name: row[name].values for name in CONDITIONS.names}
    values["initial_density"] = spoil(values["initial_density"][0])[None]
    with pytest.raises(SchemaError, match=message):
        complete(CONDITIONS, CONDITIONS.dataset(values), 1)


def test_the_reference_passes_its_own_figures_and_cheap_codes_do_not(evolved):
    assert all(value == 0 for value in measure.measure(evolved, evolved).values())
    for name, maker in impostors.IMPOSTORS.items():
        found = measure.measure(maker(evolved, 1), evolved)
        missed = [figure for figure, value in found.items() if value > (PLUGIN.targets[figure].at_most or np.inf)]
        assert missed, name


def test_figures_refuse_boxes_of_other_cosmologies(evolved):
    other = evolved.assign(omega_m=evolved["omega_m"] + 0.01)
    with pytest.raises(SchemaError, match="omega_m: samples and truth differ"):
        measure.measure(other, evolved)


def test_training_boxes_are_kept_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr("surrogates.plugins.cosmic_web.prior.SIDE", 32)
    first = training_boxes(2, 5, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(NBodyReference, "sample", lambda *a, **b: pytest.fail("simulated again"))
    assert training_boxes(2, 5, tmp_path).identical(first)
    with pytest.raises(SurrogatesError, match="made with steps = 40, now 20"):
        training_boxes(2, 5, tmp_path, NBodyReference(steps=20))


def test_boxes_are_drawn_with_and_without_a_truth(asked, evolved):
    from surrogates.plugins.cosmic_web.figure import figure

    assert len(figure(evolved).axes) >= 6
    assert len(figure(impostors.few_steps(evolved, 1, steps=2), evolved).axes) >= 6
    assert SPACING * 32 == 64
