"""Inpainting: known pixels untouched, masks as people have them, pictures of any kind and size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

Image = pytest.importorskip("PIL.Image")

from surrogates import registry  # noqa: E402
from surrogates.cli import main  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.contract.recipe import Batch  # noqa: E402
from surrogates.noise import Noise  # noqa: E402
from surrogates.physics.images.photographs import photographs  # noqa: E402
from surrogates.plugins.inpainting.codec import HoleCodec  # noqa: E402
from surrogates.plugins.inpainting.network import FillingOptions, Inpainting, compete, learn  # noqa: E402
from surrogates.plugins.inpainting.plugin import PLUGIN  # noqa: E402
from surrogates.plugins.inpainting.variables import mask_of  # noqa: E402

CAT = photographs()["chelsea"]


@pytest.fixture(scope="module")
def model() -> Inpainting:
    """Random weights everywhere, so that nothing holds because they are 0."""
    torch.manual_seed(0)
    made = Inpainting(8)
    for parameter in made.network.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


def inpainted(model: Inpainting, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`picture` (y, x, channel) through codec and network."""
    codec = HoleCodec()
    asked = {"image": torch.from_numpy(picture[None]).double(), "mask": torch.from_numpy(mask[None]).long()}
    made = model.sample(codec.encode(asked), Noise(0, torch.arange(1)))
    return codec.decode(made, asked)["inpainted"][0].numpy()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(23, 18), (8, 8), (1, 5)])
def test_known_pixels_are_untouched_whatever_the_size(model, channels, size):
    generator = np.random.default_rng(channels)
    picture, mask = generator.random((*size, channels)), (generator.random(size) < 0.4).astype(np.int64)
    found = inpainted(model, picture, mask)
    assert np.array_equal(found[mask == 0], picture[mask == 0])
    assert found.min() >= 0 and found.max() <= 1 and (not mask.any() or (found != picture)[mask == 1].any())


def test_what_stands_in_the_hole_does_not_matter(model):
    mask = np.zeros((20, 20), dtype=np.int64)
    mask[5:14, 4:15] = 1
    picture = CAT[:20, :20] / 255
    other = np.where(mask[..., None] > 0, 0.77, picture)
    np.testing.assert_array_equal(inpainted(model, picture, mask), inpainted(model, other, mask))


def test_a_mask_of_nothing_returns_the_picture(model):
    picture = CAT[:21, :18] / 255
    assert np.array_equal(inpainted(model, picture, np.zeros((21, 18), dtype=np.int64)), picture)


def test_tiles_leave_no_seam(model):
    picture = np.tile(CAT / 255, (2, 2, 1))[:310, :290]
    mask = np.zeros(picture.shape[:2], dtype=np.int64)
    mask[40:270, 120:150] = mask[140:160, 20:280] = 1
    whole = inpainted(model, picture, mask)
    model.options = FillingOptions(tile=64)
    tiled = inpainted(model, picture, mask)
    model.options = FillingOptions()
    assert float(np.abs(whole - tiled).max()) < 0.1 / 255


def test_masks_as_people_have_them_are_one():
    wanted = np.array([[0, 1], [1, 0]], dtype=np.int8)
    bytes_ = 255 * wanted.astype(np.uint8)
    for given in (
        wanted,
        wanted.astype(bool),
        wanted.astype(float),
        bytes_,
        bytes_ - 20 * (bytes_ > 0),
        xr.DataArray(bytes_[..., None] / 255, dims=("y", "x", "channel")),
        xr.DataArray(np.stack([wanted] * 3 + [np.ones((2, 2))], axis=-1), dims=("y", "x", "channel")),
    ):
        found = mask_of(given)
        assert found.dtype == np.int8 and np.array_equal(found, wanted)


@pytest.mark.parametrize("given", [[[0, -1]], [[0.0, 256.0]], [[0.0, np.nan]], [["a", "b"]], [[0.5, 7.25]]])
def test_what_is_no_mask_is_named(given):
    with pytest.raises(SchemaError, match="^mask: "):
        mask_of(np.array(given))


def test_training_steps_update_what_they_name_and_learn(tmp_path):
    Image.fromarray(CAT).save(tmp_path / "cat.png")
    (pool,) = PLUGIN.recipes["context"].learns(tmp_path, tmp_path)
    assert pool["photograph"].shape[1:] == (96, 96, 3) and pool["photograph"].dtype == np.uint8
    torch.manual_seed(0)
    model = Inpainting(16)
    photographs_ = torch.from_numpy(pool["photograph"].values[:4])
    optimiser = torch.optim.SGD(model.network.parameters(), 1e-3)
    losses = []
    for step in range(6):
        batch = Batch({"photograph": photographs_}, {}, Noise(0, torch.arange(4)), step)
        ((name, loss),) = learn(model, batch)
        assert name == "network" and loss.shape == (4,)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(loss.mean().item())
    assert losses[-1] < losses[0]
    batch = Batch({"photograph": photographs_}, {}, Noise(1, torch.arange(4)), 0)
    assert [name for name, _ in compete(model, batch)] == ["discriminator", "network"]


def generate(*words: str) -> int:
    """The command's exit status."""
    with pytest.raises(SystemExit) as left:
        main(["generate", "inpainting", *words])
    return int(left.value.code or 0)


RELEASED = pytest.mark.skipif(
    not (registry.entry("inpainting").weights / "context.safetensors").exists(), reason="no weights are released"
)


@RELEASED
def test_a_file_and_a_mask_in_a_file_out(tmp_path):
    Image.fromarray(CAT[:50, :41]).save(tmp_path / "picture.png")
    mask = np.zeros((50, 41), dtype=np.uint8)
    mask[20:30, 10:30] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    asked = ["--image", str(tmp_path / "picture.png"), "--mask", str(tmp_path / "mask.png")]
    assert generate(*asked, "-o", str(tmp_path / "out.png")) == 0
    found = np.asarray(Image.open(tmp_path / "out.png"))
    assert np.array_equal(found[mask == 0], CAT[:50, :41][mask == 0])
    true = CAT[:50, :41].astype(float)
    plain = np.abs(true[mask == 0].mean(axis=0) - true[mask > 0]).mean()
    assert np.abs(found - true)[mask > 0].mean() < plain
    Image.fromarray(mask[:40]).save(tmp_path / "mask.png")
    assert generate(*asked, "-o", str(tmp_path / "new.png")) != 0
    Image.fromarray(np.full_like(mask, 255)).save(tmp_path / "mask.png")
    assert generate(*asked, "-o", str(tmp_path / "new.png")) != 0
    assert not (tmp_path / "new.png").exists()


@RELEASED
def test_nothing_known_is_named():
    import surrogates

    surrogate = surrogates.load("inpainting", threads=1)
    with pytest.raises(SchemaError, match="^mask"):
        surrogate.sample(1, seed=0, image=np.zeros((8, 8, 3)), mask=np.ones((8, 8)))
    with pytest.raises(SchemaError, match="^image"):
        surrogate.sample(1, seed=0, image=np.zeros((8, 8, 6)), mask=np.zeros((8, 8)))


@RELEASED
def test_every_cheap_way_loses_to_released_weights_in_error_or_in_texture():
    """Smooth fills are near in absolute error and lack texture; the card says that Laplace's equation is nearer."""
    import surrogates

    truth = PLUGIN.truth(60, 9)
    made = surrogates.load("inpainting", threads=1).sample(truth[list(PLUGIN.conditions.names)], seed=0)
    ours = PLUGIN.measure(made, truth)
    for name, fake in PLUGIN.impostors.items():
        theirs = PLUGIN.measure(fake(truth, 0), truth)
        assert ours["hole_l1"] < theirs["hole_l1"] or ours["feature_frechet"] < theirs["feature_frechet"], name
