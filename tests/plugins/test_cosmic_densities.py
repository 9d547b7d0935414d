"""Densities drawn with no initial field: laws, the game's statistics, the reference, and fakes that must fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from surrogates.contract.errors import SchemaError
from surrogates.contract.recipe import Batch
from surrogates.noise import Noise
from surrogates.physics.cosmology.background import Cosmology, growth_factors
from surrogates.plugins.cosmic_web.density import impostors, measure, network
from surrogates.plugins.cosmic_web.density.codec import DensityCodec
from surrogates.plugins.cosmic_web.density.reference import DensityReference, training_boxes
from surrogates.plugins.cosmic_web.density.statistics import basis, fitted, statistics
from surrogates.plugins.cosmic_web.density.targets import LIMITS
from surrogates.plugins.cosmic_web.density.variables import CONDITIONS, SIDE, outputs
from surrogates.plugins.cosmic_web.plugin import PLUGIN
from surrogates.plugins.cosmic_web.prior import prior
from surrogates.plugins.cosmic_web.variables import CONDITIONS as WITH_FIELD


@pytest.fixture(scope="module")
def boxes():
    """Eight boxes of the size that the weights are for."""
    return DensityReference.of(SIDE).sample(prior(CONDITIONS, 8, 3), seed=3)


@pytest.fixture(scope="module")
def model() -> network.DensityGAN:
    torch.manual_seed(0)
    return network.DensityGAN(SIDE, 4).eval().requires_grad_(False)


def encoded(boxes) -> dict[str, torch.Tensor]:
    names = (*CONDITIONS.names, "density_contrast")
    return DensityCodec().encode({name: torch.tensor(boxes[name].values).double() for name in names})


def test_the_weights_serve_the_density_alone():
    served = PLUGIN.with_schemas(CONDITIONS, outputs(SIDE))
    assert served.outputs.names == ("density_contrast",) and served.stochastic
    assert served == PLUGIN.with_schemas(CONDITIONS, outputs(SIDE))
    assert PLUGIN.with_schemas(PLUGIN.conditions, PLUGIN.outputs) == PLUGIN
    assert served.prior(served.conditions, 2, 1).sizes == {"sample": 2}


def test_cosmologies_are_those_of_boxes_with_fields():
    with_field, without = prior(WITH_FIELD, 2, 5), prior(CONDITIONS, 2, 5)
    assert without.identical(with_field[list(CONDITIONS.names)])


def test_a_box_of_the_reference_depends_on_seed_and_sample_alone(boxes):
    asked = boxes[list(CONDITIONS.names)].isel(sample=[5, 2])
    again = DensityReference.of(SIDE).sample(asked, seed=3)
    assert np.array_equal(again["density_contrast"], boxes["density_contrast"][[5, 2]])
    other = DensityReference.of(SIDE).sample(asked, seed=4)
    assert not np.array_equal(again["density_contrast"], other["density_contrast"])


def test_densities_come_back_from_their_encoding(boxes):
    decoded = DensityCodec().decode(encoded(boxes), {})["density_contrast"].numpy()
    assert np.allclose(decoded, boxes["density_contrast"], atol=1e-4 * np.abs(boxes["density_contrast"]).max())


def test_growth_of_many_universes_is_that_of_each():
    omega_m, redshift = np.array([0.2, 0.31, 0.4, 0.3]), np.array([0.0, 0.5, 3.0, 1.0])
    expected = [Cosmology(o, 0.8).growth(z) for o, z in zip(omega_m, redshift, strict=True)]
    assert np.allclose(growth_factors(omega_m, redshift), expected, rtol=1e-4)


def test_mass_and_positivity_hold_whatever_was_learned(model: network.DensityGAN, boxes):
    served = PLUGIN.with_schemas(CONDITIONS, outputs(SIDE))
    made = model.sample({"context": encoded(boxes)["context"]}, Noise(0, torch.arange(8)))
    decoded = DensityCodec().decode(made, {})
    for law in served.constraints:
        assert float(law.residual(decoded, {}).max()) <= law.tolerance


def test_statistics_do_not_depend_on_place_or_orientation(boxes):
    logarithm = encoded(boxes)["logarithm"]
    found = statistics(logarithm)
    assert torch.isfinite(found).all()
    turned = logarithm.permute(0, 3, 1, 2).flip(2).roll(5, 1)
    assert torch.allclose(statistics(turned), found, atol=1e-3)


def played(boxes, rows: torch.Tensor, step: int = 0) -> Batch:
    values = {name: tensor[rows] for name, tensor in encoded(boxes).items()}
    return Batch(
        {"logarithm": values["logarithm"]}, {"context": values["context"]}, Noise(0, torch.arange(len(rows))), step
    )


def test_expected_statistics_are_fitted_to_the_cosmology():
    context = torch.rand(40, 3)
    true = basis(context) @ torch.randn(10, 5)
    assert torch.allclose(basis(context) @ fitted(context, true), true, atol=1e-3)


def test_unlikeness_sees_a_bias_and_a_wrong_response_to_the_cosmology(boxes):
    batch, codec = played(boxes, torch.arange(8)), DensityCodec()
    logarithm, context = batch.encoded["logarithm"], batch.conditions["context"]
    model = network.DensityGAN(SIDE, 4, codec)
    codec.slopes.copy_(torch.linalg.pinv(basis(context)) @ statistics(logarithm))  # eight boxes are fitted exactly
    assert abs(float(network.unlike(model, batch, logarithm).max())) < 1e-3
    assert float(network.unlike(model, batch, 1.2 * logarithm).min()) > 0.01
    codec.slopes[1] += 1.0
    assert float(network.unlike(model, batch, logarithm).min()) > 0.1


def test_the_game_trains_both_networks_and_boxes_grow_more_alike(boxes):
    torch.manual_seed(0)
    codec = DensityCodec()
    codec.fit([{name: torch.tensor(boxes[name].values).double() for name in (*CONDITIONS.names, "density_contrast")}])
    model = network.DensityGAN(SIDE, 4, codec)
    optimisers = {
        name: torch.optim.Adam(getattr(model, name).parameters(), 3e-3, betas=(0.5, 0.9))
        for name in ("discriminator", "generator")
    }
    seen = []
    for step in range(16):
        batch = played(boxes, torch.randperm(8)[:4], step)
        for name, loss in network.play(model, batch):
            loss.mean().backward(inputs=list(getattr(model, name).parameters()))
            optimisers[name].step()
            optimisers[name].zero_grad()
        seen.append(float(batch.notes["statistics"]))
    assert np.mean(seen[-4:]) < 0.5 * np.mean(seen[:4])


def test_training_boxes_are_kept_and_read_again(tmp_path: Path, monkeypatch):
    first = training_boxes(SIDE, 2, tmp_path)
    monkeypatch.setattr(DensityReference, "sample", lambda *a, **b: pytest.fail("simulated again"))
    assert training_boxes(SIDE, 2, tmp_path).identical(first)


@pytest.mark.parametrize(("name", "value"), [("side", 40), ("width", 3), ("boxes", 2)])
def test_options_that_make_no_network_are_refused(name: str, value: int):
    with pytest.raises(SchemaError, match=name):
        PLUGIN.recipes["gan"].using(**{name: value})


def test_fakes_keep_what_they_promise(boxes):
    truth = measure.reduce(boxes)
    shuffled = measure.reduce(impostors.shuffled_phases(boxes, 1))
    assert np.allclose(shuffled["powers"], truth["powers"], rtol=1e-3)
    ranked = impostors.ranked(boxes, 1)["density_contrast"].values
    assert np.array_equal(np.sort(ranked.ravel()), np.sort(boxes["density_contrast"].values.ravel()))
    assert abs(impostors.lognormal(boxes, 1)["density_contrast"].values.mean()) < 1e-5


def test_every_fake_misses_a_figure_that_the_truth_meets(boxes):
    assert all(value == 0 for name, value in measure.measure(boxes, boxes).items() if name != "isotropy")
    for name, maker in impostors.IMPOSTORS.items():
        found = measure.measure(maker(boxes, 1), boxes)
        assert any(found[figure] > limit for figure, (limit, _) in LIMITS.items() if figure != "isotropy"), name


def test_boxes_that_repeat_each_other_are_found(boxes):
    coarse = measure.reduce(boxes)["coarse"].values
    repeated = np.stack([np.roll(coarse[0], (i, 2 * i), (0, 1)) for i in range(8)])
    assert measure.likeness(repeated) == pytest.approx(1.0, abs=1e-6)
    assert measure.likeness(coarse) < 0.7


def test_boxes_are_drawn_with_and_without_a_truth(boxes):
    from surrogates.plugins.cosmic_web.density.figure import figure

    assert len(figure(boxes).axes) >= 8
    assert len(figure(boxes, boxes).axes) >= 12


def test_statistics_have_the_precision_of_the_boxes():
    logarithm = torch.rand(2, 32, 32, 32, dtype=torch.float64)
    single = statistics(logarithm.float())
    torch.testing.assert_close(statistics(logarithm).float(), single, rtol=1e-4, atol=1e-4)
