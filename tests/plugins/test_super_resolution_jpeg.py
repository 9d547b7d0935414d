"""Super-resolution of JPEG files: what they lose, what training reads, what artefact figures see, what weights do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

Image = pytest.importorskip("PIL.Image")

import surrogates  # noqa: E402
from surrogates.contract.recipe import Batch  # noqa: E402
from surrogates.noise import Noise, draws  # noqa: E402
from surrogates.physics.images.photographs import photographs  # noqa: E402
from surrogates.plugins.super_resolution.compressed import photographs as files  # noqa: E402
from surrogates.plugins.super_resolution.compressed.measure import FIGURES, blockiness, flat_error  # noqa: E402
from surrogates.plugins.super_resolution.compressed.network import (  # noqa: E402
    CompressedSuperResolution,
    begin_clean,
    learn,
)
from surrogates.plugins.super_resolution.compressed.variables import schemas  # noqa: E402
from surrogates.plugins.super_resolution.network import UpscalingOptions  # noqa: E402
from surrogates.plugins.super_resolution.photographs import small_pictures  # noqa: E402
from surrogates.plugins.super_resolution.plugin import PLUGIN  # noqa: E402

CAT = photographs()["chelsea"]
WEIGHTS = surrogates.registry.entry("super-resolution").weights


def served(scale: int):
    """The plugin as weights of this scale serve it."""
    return PLUGIN.with_schemas(*schemas(scale, ()))


@pytest.mark.parametrize("scale", [2, 4])
def test_the_served_plugin_asks_for_files_and_keeps_no_law(scale):
    plugin = served(scale)
    truth, prior = plugin.truth(6, 3), plugin.prior(plugin.conditions, 6, 3)
    assert truth["upscaled"].shape == (6, 96, 96, 3) and truth["image"].shape == (6, 96 // scale, 96 // scale, 3)
    assert plugin.constraints == () and PLUGIN.constraints
    np.testing.assert_array_equal(truth["image"].values, prior["image"].values)
    np.testing.assert_array_equal(plugin.truth(3, 3)["image"].values, truth["image"].values[:3])
    clean = small_pictures(np.rint(255 * truth["upscaled"].values).astype(np.uint8), scale) / np.float32(255)
    apart = np.abs(clean - truth["image"].values).mean(axis=(1, 2, 3))
    assert (apart > 1e-3).all() and (apart < 0.1).all()  # the same pictures, with artefacts


def test_tiles_are_of_whole_files_each_compressed_several_ways(tmp_path):
    photograph = np.tile(CAT, (2, 2, 1))[:320, :330]
    Image.fromarray(photograph).save(tmp_path / "cat.png")
    (pool,) = files.tiles(tmp_path, tmp_path, scale=2)
    large, small = pool["photograph"].values, pool["reduced"].values
    assert large.shape[1:] == (192, 192, 3) and small.shape[1:] == (files.VERSIONS, 96, 96, 3) and len(large) > 1
    whole = small_pictures(photograph[None], 2)[0]
    drawn = draws(0, np.array([0])).uniform((files.VERSIONS, 2), "jpeg")[0]
    file = files.as_jpeg(whole, drawn[2])
    np.testing.assert_array_equal(small[0, 2], file[:96, :96])
    np.testing.assert_array_equal(small[-1, 2], file[-96:, -96:])
    assert len({tile.tobytes() for tile in small[0]}) == files.VERSIONS


def test_qualities_and_colours_are_drawn_over_their_range(monkeypatch):
    asked = []
    monkeypatch.setattr(files, "compressed", lambda picture, quality, way: asked.append((quality, way)) or picture)
    for drawn in np.random.default_rng(0).random((2000, 2)):
        files.as_jpeg(CAT, drawn)
    qualities, ways = zip(*asked, strict=True)
    assert (min(qualities), max(qualities)) == files.QUALITIES and set(ways) == set(files.COLOURS)
    assert abs(np.mean(qualities) - np.mean(files.QUALITIES)) < 1.5


@pytest.mark.parametrize("scale", [2, 4])
def test_a_network_learns_from_files(scale):
    crops = np.stack([CAT, CAT[::-1, ::-1]])
    little = small_pictures(crops, scale)
    versions = np.stack(
        [[files.as_jpeg(picture, how) for how in np.array([[0.0, 0.9], [0.5, 0.1]])] for picture in little]
    )
    encoded = {"photograph": torch.from_numpy(crops), "reduced": torch.from_numpy(versions)}
    torch.manual_seed(0)
    model = CompressedSuperResolution(8, 2, scale)
    optimiser = torch.optim.SGD(model.parameters(), 1e-3)
    losses = []
    for step in range(3):  # the same crops again and again
        ((name, loss),) = learn(model, Batch(encoded, {}, Noise(0, torch.arange(2)), step))
        assert name == "network" and loss.shape == (2,)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
        losses.append(loss.mean().item())
    assert losses[-1] < losses[0]


def test_training_begins_with_the_weights_for_clean_pictures_where_shapes_agree():
    wide, clean = CompressedSuperResolution(40, 8, 2), CompressedSuperResolution(40, 8, 4)
    before = wide.network.last.weight.clone()
    begin_clean(wide)
    begin_clean(clean)  # of the same scale, and takes them all
    assert clean.network.last.weight.abs().max() > 0
    torch.testing.assert_close(wide.network.layers.state_dict(), clean.network.layers.state_dict())
    torch.testing.assert_close(wide.network.last.weight, before)


def test_nothing_is_projected_and_tiles_leave_no_seam():
    torch.manual_seed(1)
    model = CompressedSuperResolution(8, 3, 2)
    for parameter in model.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    model.eval().requires_grad_(False)
    picture = torch.rand(1, 3, 41, 37)
    torch.testing.assert_close(model.consistent(picture), model.enlarge(picture), rtol=0, atol=0)
    whole = model.sample({"small": picture}, Noise(0, torch.arange(1)))["large"]
    model.options = UpscalingOptions(tile=16)
    tiled = model.sample({"small": picture}, Noise(0, torch.arange(1)))["large"]
    assert whole.shape == (1, 3, 82, 74) and float((whole - tiled).abs().max()) < 0.1 / 255


def test_figures_see_blocks_and_what_stands_in_flat_places():
    rng = np.random.default_rng(2)
    true = rng.random((3, 1, 1)) + 0.01 * rng.standard_normal((3, 88, 88))
    places = (np.arange(88) + 4) // 16  # blocks of 8 small pixels at twice the sides, four pixels cut off
    steps = 0.05 * rng.standard_normal((3, 6, 6))[:, places[:, None], places]
    assert blockiness(true, true, scale=2) == 0.0 and flat_error(true, true) == 0.0
    assert blockiness(true + steps, true, scale=2) > 0.3
    assert flat_error(true + steps, true) > 0.02
    edges = np.where(np.arange(88) < 44, 0.0, 1.0) + 0 * true
    assert flat_error(edges + 0.3 * (np.abs(np.arange(88) - 43.5) < 1), edges) == 0.0  # an edge is not flat


@pytest.mark.parametrize("scale", [2, 4])
def test_cheap_ways_miss_the_limits(scale):
    plugin = served(scale)
    truth = plugin.truth(20, 5)
    limits = {name: target for name, target in plugin.targets.items() if target.at_most or target.at_least}
    assert len(limits) >= 12
    for name in ("bicubic", "smoothed bicubic", "sharpened bicubic"):
        found = plugin.measure(plugin.impostors[name](truth, 0), truth)
        missed = [
            key
            for key, limit in limits.items()
            if found[key] > (limit.at_most or np.inf) or found[key] < (limit.at_least or -np.inf)
        ]
        assert len(missed) > 0.7 * len(limits), (name, missed)


@pytest.mark.parametrize(("recipe", "scale"), [("jpeg", 4), ("jpeg-x2", 2)])
def test_released_weights_beat_every_cheap_way_and_the_weights_for_clean_pictures(recipe, scale):
    if not (Path(WEIGHTS) / f"{recipe}.safetensors").exists():
        pytest.skip("no weights are released")
    surrogate = surrogates.load("super-resolution", model=recipe, threads=1)
    truth = surrogate.plugin.truth(16, 9)
    ours = FIGURES[scale](surrogate.sample(truth[["image"]], seed=0), truth)
    for name, fake in surrogate.plugin.impostors.items():
        theirs = FIGURES[scale](fake(truth, 0), truth)
        assert ours["psnr"] > theirs["psnr"] + 0.3, name
        assert ours["ssim"] > theirs["ssim"] and ours["flat_error"] < theirs["flat_error"], name
