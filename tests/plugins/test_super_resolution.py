"""Super-resolution: pictures of any kind and size, tiles without seams, and what training reads of a user's folder."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import torch

Image = pytest.importorskip("PIL.Image")

from surrogates.cli import main  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.contract.recipe import Batch  # noqa: E402
from surrogates.io import FileFormatError  # noqa: E402
from surrogates.noise import Noise  # noqa: E402
from surrogates.physics.images.photographs import photographs  # noqa: E402
from surrogates.physics.images.resampling import cubic  # noqa: E402
from surrogates.plugins.super_resolution import impostors  # noqa: E402
from surrogates.plugins.super_resolution import photographs as pairs  # noqa: E402
from surrogates.plugins.super_resolution.codec import PictureCodec  # noqa: E402
from surrogates.plugins.super_resolution.network import SuperResolution, UpscalingOptions, learn  # noqa: E402
from surrogates.plugins.super_resolution.plugin import PLUGIN  # noqa: E402
from surrogates.plugins.super_resolution.sharpening import SharpSuperResolution, sharpen, unlikeness  # noqa: E402
from surrogates.plugins.super_resolution.variables import CONDITIONS, SCALE  # noqa: E402

CAT = photographs()["chelsea"]


@pytest.fixture(scope="module")
def model() -> SuperResolution:
    """Random weights everywhere, so that nothing holds because they are 0."""
    torch.manual_seed(0)
    made = SuperResolution(8, 3)
    for parameter in made.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


def enlarged(model: SuperResolution, picture: np.ndarray) -> np.ndarray:
    """`picture` (y, x, channel) through codec and network."""
    codec, asked = PictureCodec(), {"image": torch.from_numpy(picture[None]).double()}
    made = model.sample(codec.encode(asked), Noise(0, torch.arange(1)))
    return codec.decode(made, asked)["upscaled"][0].numpy()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_picture_keeps_its_channels_whatever_its_size(model, channels):
    picture = np.random.default_rng(channels).random((7, 11, channels))
    found = enlarged(model, picture)
    assert found.shape == (28, 44, channels) and found.min() >= 0 and found.max() <= 1


def test_grey_is_the_luminance_of_its_colour(model):
    picture = np.random.default_rng(1).random((9, 8, 1))
    grey, colour = enlarged(model, picture), enlarged(model, picture.repeat(3, axis=-1))
    np.testing.assert_allclose(grey[..., 0], colour @ [0.299, 0.587, 0.114], atol=1e-6)


def test_what_is_transparent_bleeds_no_colour(model):
    """A red square on nothing, whose hidden pixels are green: no green may show."""
    picture = np.zeros((12, 12, 4))
    picture[..., 1] = 1.0
    picture[3:9, 3:9] = [1.0, 0.0, 0.0, 1.0]
    for network in (model, SuperResolution(8, 3).eval().requires_grad_(False)):
        found = enlarged(network, picture)
        shown = found[found[..., 3] > 0.5]
        plain = enlarged(network, np.tile([1.0, 0.0, 0.0], (12, 12, 1)))
        assert float(shown[:, 1].max()) <= float(plain[..., 1].max()) + 1e-6


def test_tiles_leave_no_seam_in_a_whole_picture(model):
    picture = np.random.default_rng(4).random((70, 53, 3))
    whole = enlarged(model, picture)
    model.options = UpscalingOptions(tile=24)
    tiled = enlarged(model, picture)
    model.options = UpscalingOptions()
    assert float(np.abs(whole - tiled).max()) < 0.1 / 255


def test_the_self_ensemble_does_not_care_how_a_picture_is_held(model):
    picture = np.random.default_rng(5).random((9, 9, 3))
    model.options = UpscalingOptions(self_ensemble=True)
    upright, turned = enlarged(model, picture), enlarged(model, picture[::-1].transpose(1, 0, 2).copy())
    model.options = UpscalingOptions()
    np.testing.assert_allclose(turned, upright[::-1].transpose(1, 0, 2), atol=1e-5)


def test_an_untrained_network_is_bicubic_and_what_it_misses_is_put_back():
    truth = PLUGIN.truth(2, 1)
    small = torch.from_numpy(truth["image"].values).permute(0, 3, 1, 2)
    made = SuperResolution(8, 2).eval().requires_grad_(False)
    wanted = impostors.bicubic(truth, 0)["upscaled"].values
    np.testing.assert_allclose(made.enlarge(small).clamp(0, 1).permute(0, 2, 3, 1).numpy(), wanted, atol=1e-6)
    apart = [
        (cubic(large, (24, 24)) - small).square().mean() for large in (made.enlarge(small), made.consistent(small))
    ]
    assert float(apart[1]) < 0.2 * float(apart[0])


def test_training_reads_a_folder_of_photographs_and_learns_from_it(tmp_path):
    (tmp_path / "holiday").mkdir()
    Image.fromarray(np.tile(CAT, (1, 2, 1))).save(tmp_path / "holiday" / "cat.png")
    Image.fromarray(CAT).convert("L").save(tmp_path / "grey.jpg")
    (pool,) = PLUGIN.recipes["fidelity"].learns(tmp_path, tmp_path)
    assert pool["photograph"].shape[1:] == (192, 192, 3) and pool["reduced"].shape[1:] == (48, 48, 3)
    assert pool["photograph"].dtype == pool["reduced"].dtype == np.uint8
    again = pairs.small_pictures(pool["photograph"].values)
    apart = np.abs(again.astype(int) - pool["reduced"].values)[:, 2:-2, 2:-2]
    assert apart.max() <= 1  # but for the edges of tiles, the reduction of a tile is the tile of the reduction
    torch.manual_seed(0)
    model = SuperResolution(16, 2)
    optimiser = torch.optim.SGD(model.parameters(), 1e-3)
    encoded = {name: torch.from_numpy(pool[name].values) for name in pool.data_vars}
    losses = []
    for step in range(6):  # the same crops again and again
        batch = Batch(encoded, {}, Noise(0, torch.arange(len(encoded["reduced"]))), step)
        ((name, loss),) = learn(model, batch)
        assert name == "network" and loss.shape == (len(encoded["reduced"]),)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(loss.mean().item())
    assert losses[-1] < losses[0]


def test_the_critic_phase_sharpens_and_what_it_makes_still_reduces_to_what_was_asked():
    crops = np.stack([CAT, CAT[::-1, ::-1]])
    encoded = {"photograph": torch.from_numpy(crops), "reduced": torch.from_numpy(pairs.small_pictures(crops))}
    torch.manual_seed(0)
    model = SharpSuperResolution(8, 2)
    optimisers = {
        name: torch.optim.Adam(model.get_submodule(name).parameters(), 3e-4) for name in ("critic", "network")
    }
    unlike = []
    for _ in range(5):  # the same crops again and again
        batch = Batch(encoded, {}, Noise(0, torch.arange(2)), 0)
        for name, loss in sharpen(model, batch):
            assert loss.shape == (2,)
            optimisers[name].zero_grad()
            loss.mean().backward()
            optimisers[name].step()
        unlike.append(batch.notes["unlikeness"].item())
        assert 0.0 <= batch.notes["separation"] <= 1.0
    assert unlike[-1] < unlike[0]
    small = torch.from_numpy(pairs.small_pictures(crops[:1]) / np.float32(255)).permute(0, 3, 1, 2)
    with torch.no_grad():
        large = model.consistent(small)
    assert (cubic(large, (48, 48)) - small).abs().mean() < 0.005
    assert set(model.ships) == {"network"}


def test_a_wrong_file_of_features_is_refused_before_the_first_update(tmp_path):
    recipe = PLUGIN.recipes["gan"].using(features=str(tmp_path / "none.pth"))
    model = SharpSuperResolution(8, 2, recipe.options.features)
    with pytest.raises(SchemaError, match=r"none.pth: does not read as weights \(FileNotFoundError\)"):
        recipe.phases[0].start(model)
    PLUGIN.recipes["gan"].phases[0].start(SharpSuperResolution(8, 2))
    with pytest.raises(SchemaError, match="sharpening 0; expected 1 or more"):
        PLUGIN.recipes["gan"].using(sharpening="0")


def test_unlikeness_is_none_of_equal_pictures_and_sees_what_a_blur_takes():
    sharp = torch.from_numpy(CAT[:96, :96] / np.float32(255)).permute(2, 0, 1)[None]
    blurred = torch.nn.functional.avg_pool2d(sharp, 5, 1, 2, count_include_pad=False)
    assert unlikeness(sharp, sharp).item() == 0.0
    assert unlikeness(blurred, sharp).item() > 0.1


def test_a_folder_without_large_photographs_says_so(tmp_path):
    Image.fromarray(CAT[:100]).save(tmp_path / "small.png")
    with pytest.raises(FileFormatError, match="no photograph of 192 x 192"):
        PLUGIN.recipes["fidelity"].learns(tmp_path, tmp_path)


def generate(*words: str) -> int:
    """The command's exit status."""
    with pytest.raises(SystemExit) as left:
        main(["generate", "super-resolution", *words])
    return int(left.value.code or 0)


RELEASED = pytest.mark.skipif(
    not (__import__("surrogates").registry.entry("super-resolution").weights / "fidelity.safetensors").exists(),
    reason="no weights are released",
)


@RELEASED
def test_a_file_in_a_file_out(tmp_path):
    deep = np.linspace(0, 65535, 20 * 12, dtype=np.uint16).reshape(12, 20)
    Image.fromarray(CAT[:30, :22]).convert("RGBA").save(tmp_path / "a.png")
    Image.fromarray(deep).save(tmp_path / "b.png")
    Image.fromarray(CAT[:9, :13]).convert("CMYK").save(tmp_path / "c.jpg")
    for name, size, mode in (("a.png", (88, 120), "RGBA"), ("b.png", (80, 48), "I;16"), ("c.jpg", (52, 36), "RGB")):
        assert generate("--image", str(tmp_path / name), "-o", str(tmp_path / f"out-{name}")) == 0
        with Image.open(tmp_path / f"out-{name}") as image:
            assert (image.size, image.mode) == (size, mode)
    assert generate("--image", str(tmp_path / "a.png"), "-o", str(tmp_path / "out-a.jpg")) != 0
    assert generate("--image", str(tmp_path / "none.png"), "-o", str(tmp_path / "new.png")) != 0
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:300])
    assert generate("--image", str(tmp_path / "cut.png"), "-o", str(tmp_path / "new.png")) != 0
    assert not (tmp_path / "new.png").exists() and not (tmp_path / "out-a.jpg").exists()


@RELEASED
def test_pictures_that_are_none_are_named():
    import surrogates

    surrogate = surrogates.load("super-resolution", threads=1)
    for picture in (np.zeros((4, 4, 5)), np.zeros((0, 4, 3))):
        with pytest.raises(SchemaError, match="^image"):
            surrogate.sample(1, seed=0, image=picture)
    with pytest.raises(SchemaError, match=r"^image: 255 is out of range"):
        surrogate.sample(1, seed=0, image=np.full((4, 4, 3), 255))


@RELEASED
def test_released_weights_beat_every_cheap_way():
    import surrogates

    truth = PLUGIN.truth(24, 9)
    made = surrogates.load("super-resolution", threads=1).sample(truth[list(CONDITIONS.names)], seed=0)
    ours = PLUGIN.measure(made, truth)
    for name, fake in PLUGIN.impostors.items():
        theirs = PLUGIN.measure(fake(truth, 0), truth)
        assert ours["psnr"] > theirs["psnr"] + 0.5, name
        assert ours["ssim"] > theirs["ssim"] and ours["edges_error"] < theirs["edges_error"], name


@RELEASED
@pytest.mark.slow
def test_two_megapixels_take_the_memory_of_a_tile():
    import surrogates

    surrogate = surrogates.load("super-resolution", threads=1)
    surrogate.sample(1, seed=0, image=np.zeros((200, 200, 3), dtype=np.float32))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = surrogate.sample(1, seed=0, image=np.zeros((300, 420, 3), dtype=np.float32))["upscaled"]
    assert made.shape == (1, SCALE * 300, SCALE * 420, 3)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 12 * made.nbytes  # some copies of the picture in float64; a layer of the network alone is 4 of them
