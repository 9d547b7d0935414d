"""Attribute editing: exact counterfactuals, light kept or as asked, labels in CelebA's layout, bad input named."""

from __future__ import annotations

import numpy as np
import pytest
import torch

Image = pytest.importorskip("PIL.Image")

from surrogates import registry  # noqa: E402
from surrogates.cli import main  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.contract.recipe import Batch  # noqa: E402
from surrogates.io.formats import FileFormatError  # noqa: E402
from surrogates.io.labelled_pictures import read_labelled, read_list  # noqa: E402
from surrogates.noise import Noise  # noqa: E402
from surrogates.physics.galaxies import editing  # noqa: E402
from surrogates.plugins.attribute_editing import counterfactuals  # noqa: E402
from surrogates.plugins.attribute_editing.codec import NUMBERS, GalaxyEditCodec, fluxes_of, pictures_of  # noqa: E402
from surrogates.plugins.attribute_editing.labelled import described, found, labelled  # noqa: E402
from surrogates.plugins.attribute_editing.measure import measured  # noqa: E402
from surrogates.plugins.attribute_editing.network import Editor, learn  # noqa: E402
from surrogates.plugins.attribute_editing.plugin import PLUGIN  # noqa: E402
from surrogates.plugins.attribute_editing.unpaired import LabelEditor  # noqa: E402
from surrogates.plugins.attribute_editing.unpaired import learn as learn_labels  # noqa: E402

pytest.importorskip("galsim")


@pytest.fixture(scope="module")
def truth():
    return PLUGIN.truth(10, 3)


def tensors(data) -> dict[str, torch.Tensor]:
    """Variables as tensors."""
    return {str(name): torch.from_numpy(data[name].values) for name in data.data_vars}


def test_one_attribute_is_asked_and_the_counterfactual_is_of_the_same_galaxy(truth):
    old, new, made = counterfactuals.before_and_after(10, 3, mixed=False)
    assert made.sum(axis=1).tolist() == [1] * 10 and made.sum(axis=0).tolist() == [2] * 5
    for column, name in enumerate(("morphology", "half_light_radius", "ellipticity")):
        same = old[name].values == new[name].values
        assert np.array_equal(same, ~made[:, column])
    for row in np.flatnonzero(made[:, 3]):
        shift = [float(new[f"magnitude_{b}"][row] - old[f"magnitude_{b}"][row]) for b in "gri"]
        np.testing.assert_allclose(shift, shift[0])
        factor = fluxes_of(torch.from_numpy(truth["edited"].values[row : row + 1])) / fluxes_of(
            torch.from_numpy(truth["image"].values[row : row + 1])
        )
        lit = torch.from_numpy(truth["image"].values[row : row + 1]).permute(0, 3, 1, 2) > 0.1
        np.testing.assert_allclose(factor[lit].numpy(), 10 ** (-0.4 * shift[0]), rtol=1e-3)


def test_what_was_measured_of_the_truth_is_what_is_asked(truth):
    values = measured(torch.from_numpy(truth["edited"].values))
    for name, key in (("magnitude_r", "magnitude"), ("colour", "colour")):
        rows = ~np.isnan(truth[name].values)
        assert rows.sum() == 2
        np.testing.assert_allclose(values[key][rows], truth[name].values[rows], atol=2e-4)


def test_tools_measure_what_was_drawn():
    axis = torch.arange(64, dtype=torch.float64) - 31.5
    radius = torch.hypot(axis[:, None], axis)
    light = torch.exp(-0.5 * (radius / 6.0) ** 2)[None]
    size, e, _ = editing.shape(light, 0.1)
    assert float(size) == pytest.approx(0.1 * 6 * 1.1774, rel=0.03) and float(e) < 0.01
    flat = editing.reshaped(light[None], editing.stretch(torch.tensor([1.3]).double(), torch.tensor([0.7]).double()))[0]
    _, e, angle = editing.shape(flat, 0.1)
    assert float(angle) == pytest.approx(0.7, abs=0.02) and 0.1 < float(e) < 0.26
    again = pictures_of(fluxes_of(torch.rand(2, 8, 8, 3)))
    assert again.shape == (2, 8, 8, 3)


def test_nothing_asked_returns_the_picture_from_the_map(truth):
    asked = tensors(truth)
    for name in PLUGIN.conditions.names[1:]:
        asked[name] = torch.full_like(asked[name], -1) if name == "morphology" else torch.full_like(asked[name], np.nan)
    encoded = GalaxyEditCodec().encode(asked)
    torch.testing.assert_close(encoded["start"], encoded["given"], atol=1e-5, rtol=0)


def test_light_is_as_asked_however_little_was_learned(truth):
    torch.manual_seed(0)
    model, codec, asked = Editor(NUMBERS, 8), GalaxyEditCodec(), tensors(truth)
    for parameter in model.network.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    with torch.no_grad():
        made = codec.decode(model.sample(codec.encode(asked), Noise(0, torch.arange(10))), asked)
    (law,) = PLUGIN.constraints
    assert float(law.residual({"edited": made["edited"].float()}, asked).max()) < law.tolerance
    assert float(law.residual({"edited": asked["image"]}, asked).max()) > 0.05


def test_cheap_ways_fail_the_figures(truth):
    assert max(PLUGIN.measure(truth, truth).values()) < 1e-6
    limits = PLUGIN.targets
    for name, fake in PLUGIN.impostors.items():
        theirs = PLUGIN.measure(fake(truth, 0), truth)
        assert any(value > (limits[key].at_most or 0) for key, value in theirs.items()), name
    same = PLUGIN.measure(PLUGIN.impostors["unchanged"](truth, 0), truth)
    assert same["image_left"] == 1 and same["ellipticity/target_left"] == 1
    assert PLUGIN.measure(PLUGIN.impostors["scaled"](truth, 0), truth)["magnitude_r/image_left"] < 0.01


def test_training_learns(truth):
    torch.manual_seed(0)
    model, encoded = Editor(NUMBERS, 8), GalaxyEditCodec().encode(tensors(truth))
    optimiser = torch.optim.Adam(model.network.parameters(), 3e-3)
    losses, wanted = [], encoded["start"] + 0.1
    for step in range(20):
        batch = Batch({"made": wanted}, encoded, Noise(0, torch.arange(10)), step)
        ((name, loss),) = learn(model, batch)
        assert name == "network" and loss.shape == (10,)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(loss.mean().item())
    assert losses[-1] < losses[0]


def celeba(folder, n: int = 6, labels: int = 40) -> None:
    """A folder in CelebA's layout: bright pictures have label 0."""
    (folder / "img_align_celeba").mkdir()
    generator = np.random.default_rng(0)
    names = ["Bright", "5_o_Clock_Shadow", *(f"Label_{k}" for k in range(2, labels))]  # CelebA has the second first
    lines = [str(n), " ".join(names)]
    for row in range(n):
        bright = row % 2
        picture = generator.integers(0, 100, (218, 178, 3)) + 120 * bright
        Image.fromarray(picture.astype(np.uint8)).save(folder / "img_align_celeba" / f"{row:06d}.jpg")
        signs = [1 if bright else -1, *generator.choice((-1, 1), labels - 1)]
        lines.append(f"{row:06d}.jpg  " + "  ".join(map(str, signs)))
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")


def test_forty_labels_are_read_found_trained_and_sampled(tmp_path):
    data, run = tmp_path / "celeba", tmp_path / "run"
    data.mkdir()
    celeba(data, 20)
    pictures, names, signs = read_labelled(data, 64)
    assert pictures.shape == (20, 64, 64, 3) and len(names) == 40 and signs[:, 0].tolist() == [False, True] * 10
    words = ["train", "attribute-editing", "--data", str(data), "--run", str(run), "--updates", "2", "--set", "width=8"]
    with pytest.raises(SystemExit) as left:
        main(words)
    assert not left.value.code
    import surrogates

    surrogate = surrogates.load("attribute-editing", weights=run)
    assert surrogate.conditions.names == ("image", *names)
    made = surrogate.sample(1, seed=0, image=pictures[0] / np.float32(255), **{"5_o_Clock_Shadow": "on"})
    assert made["edited"].shape == (1, 64, 64, 3)
    with pytest.raises(SchemaError, match="Bright"):
        surrogate.sample(1, seed=0, image=pictures[0] / np.float32(255), Bright="perhaps")
    with pytest.raises(SchemaError, match="^image: 32 along y"):
        surrogate.sample(1, seed=0, image=np.full((32, 64, 3), 0.5))


def test_labels_are_turned_one_at_a_time(tmp_path):
    celeba(tmp_path, 6, labels=3)
    (pool,) = labelled(tmp_path, tmp_path)
    plugin = described(PLUGIN.with_schemas(*found((pool,))))
    codec = plugin.codec()
    encoded = codec.encode(tensors(pool))
    assert encoded["labels"].shape == (6, 3) and set(encoded["labels"].unique().tolist()) == {-1.0, 1.0}
    torch.manual_seed(0)
    model = LabelEditor(3, 8, 0.1)
    batch = Batch({"made": encoded["made"]}, {"labels": encoded["labels"]}, Noise(0, torch.arange(6)), 0)
    steps = [(name, loss.shape) for name, loss in learn_labels(model, batch)]
    assert steps == [("judge", (6,)), ("network", (6,))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no number\na b\nx.jpg 1 1\n", "line 1"),
        ("1\na a\nx.jpg 1 1\n", "line 2"),
        ("1\na b\nx.jpg 1 0\n", "line 3"),
        ("1\na b\nx.jpg 1\n", "line 3"),
        ("2\na b\nx.jpg 1 1\n", "line 1 says 2"),
        ("1\n", "line 1"),
    ],
)
def test_a_list_of_another_layout_is_named_by_its_line(tmp_path, text, told):
    (tmp_path / "list_attr_celeba.txt").write_text(text)
    with pytest.raises(FileFormatError, match=told):
        read_list(tmp_path / "list_attr_celeba.txt")


def test_folders_without_list_pictures_or_with_a_broken_one_are_named(tmp_path):
    with pytest.raises(FileFormatError, match="0 files"):
        read_labelled(tmp_path, 64)
    (tmp_path / "list_attr_celeba.txt").write_text("1\na b\nx.jpg 1 1\n")
    with pytest.raises(FileFormatError, match="none of the 1 pictures"):
        read_labelled(tmp_path, 64)
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(FileFormatError, match="x.jpg"):
        read_labelled(tmp_path, 64)


RELEASED = pytest.mark.skipif(
    not (registry.entry("attribute-editing").weights / "counterfactual.safetensors").exists(),
    reason="no weights are released",
)


@RELEASED
def test_released_weights_beat_the_map_they_begin_with():
    import surrogates

    truth = PLUGIN.truth(40, 9)
    made = surrogates.load("attribute-editing", threads=1).sample(truth[list(PLUGIN.conditions.names)], seed=0)
    ours = PLUGIN.measure(made, truth)
    for name in ("unchanged", "scaled", "mapped", "mean difference"):
        assert ours["image_left"] < PLUGIN.measure(PLUGIN.impostors[name](truth, 0), truth)["image_left"], name


@RELEASED
def test_pictures_that_cannot_be_are_named(truth):
    import surrogates

    surrogate = surrogates.load("attribute-editing", threads=1)
    with pytest.raises(SchemaError, match="^image"):
        surrogate.sample(1, seed=0, image=np.zeros((64, 64, 3)), ellipticity=0.3)
    with pytest.raises(SchemaError, match="ellipticity"):
        surrogate.sample(1, seed=0, image=truth["image"].values[0], ellipticity=0.9)
    with pytest.raises(SchemaError, match="spiral"):
        surrogate.sample(1, seed=0, image=truth["image"].values[0], morphology="spirals")
