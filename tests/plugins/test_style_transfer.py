"""Style transfer: bounds and alpha kept, tiles without seams, bad files named, and optimisation as its reference."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

Image = pytest.importorskip("PIL.Image")

from surrogates import registry  # noqa: E402
from surrogates.cli import main  # noqa: E402
from surrogates.contract.errors import SchemaError  # noqa: E402
from surrogates.contract.recipe import Batch  # noqa: E402
from surrogates.networks.stylising import Stylist, mirrored  # noqa: E402
from surrogates.noise import Noise  # noqa: E402
from surrogates.physics.images.drawn_styles import NAMES, drawn  # noqa: E402
from surrogates.physics.images.photographs import photographs  # noqa: E402
from surrogates.physics.images.textures import recoloured, texture  # noqa: E402
from surrogates.plugins.style_transfer.codec import StyleCodec  # noqa: E402
from surrogates.plugins.style_transfer.loss import every_style, style_loss, tensors  # noqa: E402
from surrogates.plugins.style_transfer.network import StyleOptions, StyleTransfer, learn  # noqa: E402
from surrogates.plugins.style_transfer.plugin import PLUGIN  # noqa: E402
from surrogates.plugins.style_transfer.reference import OptimisedPictures, optimum  # noqa: E402

CAT = photographs()["chelsea"]


@pytest.fixture(scope="module")
def model() -> StyleTransfer:
    """Random weights everywhere."""
    torch.manual_seed(0)
    return StyleTransfer(16, 8, 2).eval().requires_grad_(False)


def asked(picture: np.ndarray, style: str = "mosaic", strength: float = 1.0, second: str = "chalk", share: float = 0.0):
    """Conditions of one picture, as tensors."""
    return {
        "image": torch.from_numpy(picture[None]).double(),
        "style": torch.tensor([NAMES.index(style)]),
        "strength": torch.tensor([strength], dtype=torch.float64),
        "second_style": torch.tensor([NAMES.index(second)]),
        "second_share": torch.tensor([share], dtype=torch.float64),
    }


def stylised(model: StyleTransfer, picture: np.ndarray, **how) -> np.ndarray:
    """`picture` (y, x, channel) through codec and network."""
    codec, conditions = StyleCodec(), asked(picture, **how)
    made = model.sample(codec.encode(conditions), Noise(0, torch.arange(1)))
    return codec.decode(made, conditions)["stylised"][0].numpy()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(23, 18), (40, 16), (1, 5), (1, 1)])
def test_strength_bounds_the_change_and_alpha_is_kept(model, channels, size):
    picture = np.random.default_rng(channels).random((*size, channels))
    for strength in (0.0, 0.3, 1.0):
        found = stylised(model, picture, strength=strength)
        assert found.shape == picture.shape and found.min() >= 0 and found.max() <= 1
        assert np.abs(found - picture).max() <= strength + 1e-12
        if channels in (2, 4):
            assert np.array_equal(found[..., -1], picture[..., -1])
    assert np.abs(found - picture).max() > 0.01


def test_what_is_transparent_bleeds_no_colour(model):
    picture = np.concatenate((CAT[:40, :40] / 255, np.ones((40, 40, 1))), axis=-1)
    picture[10:20, 10:20, 3] = 0.0
    other = picture.copy()
    other[10:20, 10:20, :3] = (1.0, 0.0, 1.0)
    shown = picture[..., 3] > 0
    np.testing.assert_array_equal(stylised(model, picture)[shown], stylised(model, other)[shown])


def test_tiles_leave_no_seam_for_means_are_of_the_whole_picture(model):
    picture = np.tile(CAT / 255, (2, 2, 1))[:230, :331] * np.linspace(0.2, 1, 331)[None, :, None]
    whole = stylised(model, picture)
    model.options = StyleOptions(tile=64)
    tiled = stylised(model, picture)
    model.options = StyleOptions()
    assert float(np.abs(whole - tiled).max()) < 0.1 / 255
    corner = stylised(model, picture[:64, :64])
    assert float(np.abs(whole[:40, :40] - corner[:40, :40]).max()) > 2 / 255  # a tile's own means would differ


def test_the_network_needs_no_whole_picture_at_once():
    torch.manual_seed(0)
    network = Stylist(3, width=8, fine=4, blocks=1).eval().requires_grad_(False)
    pictures, shares = torch.rand(2, 3, 48, 60), torch.rand(2, 3)
    torch.testing.assert_close(network(pictures, shares, tile=16), network(pictures, shares), atol=1e-5, rtol=1e-4)


def test_a_picture_is_continued_by_its_mirror_image():
    picture = torch.arange(6.0).reshape(1, 1, 2, 3)
    found = mirrored(picture, 5, 4)
    assert found[0, 0, :, 0].tolist() == [0, 3, 0, 3, 0] and found[0, 0, 0].tolist() == [0, 1, 2, 1]
    assert mirrored(torch.ones(1, 1, 1, 1), 3, 3).tolist() == torch.ones(1, 1, 3, 3).tolist()


def test_styles_are_made_by_rule_and_differ():
    for name in NAMES:
        again = drawn.__wrapped__(name)
        assert np.array_equal(again, drawn(name)) and again.std() > 0.05 and 0 <= again.min() and again.max() <= 1
    numbers = texture(tensors(every_style()))
    upper, lower = (texture(tensors([p[part] for p in every_style()])) for part in (slice(128), slice(128, None)))
    apart = torch.cdist(upper, lower) / numbers.std()
    assert apart.argmin(dim=1).tolist() == list(range(len(NAMES)))


def test_colours_are_matched_by_moments():
    generator = torch.Generator().manual_seed(0)
    pictures, like = (torch.rand(2, 3, 20, 22, generator=generator, dtype=torch.float64) for _ in range(2))
    like = like * torch.tensor([0.3, 0.5, 0.9], dtype=torch.float64)[:, None, None]
    made = recoloured(pictures, like).flatten(2)
    for row in range(2):
        torch.testing.assert_close(torch.cov(made[row]), torch.cov(like[row].flatten(1)), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(made[row].mean(1), like[row].flatten(1).mean(1))


def test_the_loss_is_least_for_the_style_itself_and_for_the_content_itself():
    loss, styles = style_loss(), tensors(every_style())
    content = tensors([CAT / np.float32(255)])
    shares = torch.eye(len(NAMES))
    own = loss.parts(styles, loss.content_of(styles), shares)[1]
    other = loss.parts(styles, loss.content_of(styles), shares.roll(1, 0))[1]
    assert (own < 0.2 * other).all()
    assert float(loss.parts(content, loss.content_of(content), shares[:1])[0]) == 0.0


def test_optimisation_lowers_the_loss_within_its_bounds_and_more_of_it_lowers_it_more():
    content = tensors([CAT[40:88, 40:88] / np.float32(255)])
    shares, strength = torch.eye(len(NAMES))[:1], torch.full((1, 1, 1, 1), 0.5)
    few, losses = optimum(content, shares, strength, 4)
    more, further = optimum(content, shares, strength, 16)
    assert further[-1] < losses[-1] < losses[0]
    for made in (few, more):
        assert float((made - content).abs().max()) <= 0.5 + 1e-6 and made.min() >= 0 and made.max() <= 1
    same, _ = optimum(content, shares, 0 * strength, 4)
    assert torch.equal(same, content)


def test_the_reference_takes_rows_one_by_one():
    conditions = PLUGIN.prior(PLUGIN.conditions, 3, 5)
    simulator = OptimisedPictures(iterations=2)
    together = simulator.sample(conditions, seed=0)
    alone = simulator.sample(conditions.isel(sample=[2]), seed=1)
    np.testing.assert_array_equal(together["stylised"].values[2], alone["stylised"].values[0])


def test_cheap_ways_fail_the_figures():
    conditions = PLUGIN.prior(PLUGIN.conditions, 6, 5)
    truth = OptimisedPictures(iterations=10).sample(conditions, seed=0)
    same = PLUGIN.measure(truth, truth)
    assert same["loss_ratio"] == 1 and same["missed"] == 0 and same["texture_apart"] == 0
    for name, fake in PLUGIN.impostors.items():
        theirs = PLUGIN.measure(fake(truth, 0), truth)
        assert theirs["missed"] > 0.12 and theirs["loss_ratio"] > 1.5, name


def test_training_reads_a_folder_and_learns(tmp_path):
    Image.fromarray(CAT).save(tmp_path / "cat.png")
    learns = PLUGIN.recipes["stylist"].learns
    assert learns is not None
    (pool,) = learns(tmp_path, tmp_path)
    assert pool["photograph"].shape[1:] == (144, 144, 3) and pool["photograph"].dtype == np.uint8
    torch.manual_seed(0)
    model = StyleTransfer(16, 8, 1)
    crops = torch.from_numpy(pool["photograph"].values[:2])
    optimiser = torch.optim.Adam(model.network.parameters(), 5e-3)
    losses = []
    for step in range(8):
        ((name, loss),) = learn(model, Batch({"photograph": crops}, {}, Noise(0, torch.arange(2)), step))
        assert name == "network" and loss.shape == (2,)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(loss.mean().item())
    assert losses[-1] < losses[0]


RELEASED = pytest.mark.skipif(
    not (registry.entry("style-transfer").weights / "stylist.safetensors").exists(), reason="no weights are released"
)


def generate(*words: str) -> int:
    """The command's exit status."""
    with pytest.raises(SystemExit) as left:
        main(["generate", "style-transfer", *words])
    return int(left.value.code or 0)


@RELEASED
@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_a_file_in_a_file_out_whatever_its_kind(tmp_path, mode):
    source = tmp_path / ("in.jpg" if mode == "CMYK" else "in.png")
    Image.fromarray(CAT[:37, :50]).convert(mode).save(source)
    out = tmp_path / "out.png"
    assert generate("--image", str(source), "--style", "woodcut", "-o", str(out)) == 0
    with Image.open(out) as image:
        assert image.size == (50, 37)
        assert image.mode == {"P": "RGB", "CMYK": "RGB"}.get(mode, mode)


@RELEASED
def test_sixteen_bits_and_orientation_are_minded(tmp_path):
    deep = (np.arange(40 * 30, dtype=np.uint16).reshape(40, 30) * 50) + 3
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert generate("--image", str(tmp_path / "deep.png"), "--style", "chalk", "-o", str(tmp_path / "o.png")) == 0
    assert (tmp_path / "o.png").read_bytes()[24] == 16
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(CAT[:20, :33]).save(tmp_path / "turned.jpg", exif=exif)
    assert generate("--image", str(tmp_path / "turned.jpg"), "--style", "chalk", "-o", str(tmp_path / "t.png")) == 0
    with Image.open(tmp_path / "t.png") as image:
        assert image.size == (20, 33)


@RELEASED
def test_bad_files_and_values_are_one_line(tmp_path, capsys):
    Image.fromarray(CAT[:20, :33]).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "short.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no picture")
    bomb = io.BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    (tmp_path / "bomb.png").write_bytes(bomb.getvalue())
    for name, told in (("short", "short.png"), ("text", "text.png"), ("bomb", "64,000,000"), ("none", "no such file")):
        words = ("--image", str(tmp_path / f"{name}.png"), "--style", "chalk", "-o", str(tmp_path / "out.png"))
        assert generate(*words) != 0
        assert told in capsys.readouterr().err
    good = ("--image", str(tmp_path / "good.png"), "-o", str(tmp_path / "out.png"))
    for words, told in (
        (("--style", "moziac"), "mosaic"),
        (("--style", "chalk", "--strength", "1.5"), "strength"),
        (("--style", "chalk", "--second-share", "-0.1"), "second_share"),
    ):
        assert generate(*good, *words) != 0
        assert told in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


@RELEASED
def test_strength_up_to_a_half_is_more_style_and_shares_lead_from_one_to_the_other():
    """Beyond a half the loss of style is about level, and not monotone: the page and the card say so."""
    import surrogates

    surrogate = surrogates.load("style-transfer", threads=1)
    loss, picture = style_loss(), (CAT[:96, :96] / 255).astype(np.float32)
    content = loss.content_of(tensors([picture]))

    def of(style: str, **how) -> torch.Tensor:
        """Style loss towards all styles."""
        made = surrogate.sample(1, seed=0, image=picture, style=style, **how)["stylised"].values[0]
        return loss.parts(tensors([made]).expand(len(NAMES), -1, -1, -1), content, torch.eye(len(NAMES)))[1]

    for code, style in enumerate(NAMES):
        losses = [float(of(style, strength=strength)[code]) for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
        assert losses[0] > losses[1] > losses[2] and losses[4] < 1.3 * min(losses), (style, losses)
    way = [of("woodcut", second_style="watercolour", second_share=share) for share in (0.0, 0.5, 1.0)]
    first, second = NAMES.index("woodcut"), NAMES.index("watercolour")
    assert way[0][first] < way[1][first] < way[2][first] and way[0][second] > way[1][second] > way[2][second]


@RELEASED
def test_pictures_that_are_none_are_named():
    import surrogates

    surrogate = surrogates.load("style-transfer", threads=1)
    with pytest.raises(SchemaError, match="^image"):
        surrogate.sample(1, seed=0, image=np.zeros((8, 8, 6)), style="chalk")
    with pytest.raises(SchemaError, match="^image"):
        surrogate.sample(1, seed=0, image=np.full((8, 8, 3), np.nan), style="chalk")
    with pytest.raises(SchemaError, match="tile"):
        surrogate.using(tile=6)
