"""medical-images: a folder of classes trains, what is held out never does, and the figures catch cheap fakes."""

import numpy as np
import pytest
import xarray as xr

pytest.importorskip("PIL", reason="the extra `medical` is not installed")

from PIL import Image

from surrogates.cli.entry import run
from surrogates.io.image_folders import read_classes
from surrogates.measuring.picture_sets import covering, taught
from surrogates.plugins.medical_images.impostors import blurred
from surrogates.plugins.medical_images.library import found, read, split
from surrogates.plugins.medical_images.measure import FIGURES, reduce
from surrogates.plugins.medical_images.packaged import held_out, truth
from surrogates.plugins.medical_images.plugin import PLUGIN
from surrogates.plugins.medical_images.variables import CATEGORIES
from surrogates.training.train import PoolError, training_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two categories of the packaged images in a user's layout, and one of bright squares."""
    place = tmp_path_factory.mktemp("classes")
    images, codes = held_out()
    for row in np.flatnonzero(np.isin(codes, (0, 4)))[:80]:
        (place / CATEGORIES[codes[row]]).mkdir(exist_ok=True)
        Image.fromarray(np.round(255 * images[row]).astype(np.uint8)).save(
            place / CATEGORIES[codes[row]] / f"{row}.png"
        )
    (place / "bright square").mkdir()
    for side in range(10, 40):
        square = np.zeros((64, 64), np.uint8)
        square[10 : 10 + side, 10 : 10 + side] = 250
        Image.fromarray(square).save(place / "bright square" / f"{side}.png")
    return place


def test_truths_of_neighbouring_seeds_share_no_image():
    first, second = truth(480, 6), truth(480, 7)
    seen = {image.tobytes() for image in first["image"].values}
    assert not seen & {image.tobytes() for image in second["image"].values}
    assert np.array_equal(np.bincount(first["category"].values), [80] * 6)


def test_packaged_images_are_held_out_of_every_training(folder):
    whole, _ = read_classes(folder, 64)
    mine = split(whole, held_out=False)
    packaged = {image.astype(np.float16).tobytes() for image in held_out()[0]}
    assert not any(image.astype(np.float16).tobytes() in packaged for image in mine.images)
    assert len(mine) and set(mine.codes) == {2}  # squares alone


def test_categories_and_size_are_those_of_the_folder(folder, tmp_path):
    (pool,) = read(folder, tmp_path, size=32)
    conditions, outputs = found((pool,))
    assert conditions["category"].categories == ("AbdomenCT", "Hand", "bright_square")
    assert outputs.dimension("x").size == 32
    (again,) = read(folder, tmp_path, size=32)
    assert again.identical(pool) and (tmp_path / "images.npz").is_file()


@pytest.mark.parametrize("recipe", [pytest.param("flow", marks=pytest.mark.slow), "gan", "dcgan"])
def test_a_users_folder_trains_and_samples(recipe, folder, tmp_path):
    from surrogates.contract.recipe import Recipe
    from surrogates.noise import Noise
    from surrogates.training.train import train, trained

    chosen: Recipe = PLUGIN.recipes[recipe]
    described, pools = training_data(PLUGIN, chosen, folder, tmp_path)
    assert described.conditions["category"].categories == ("AbdomenCT", "Hand", "bright_square")
    assert len(pools[0]) > 15
    train(PLUGIN, recipe, tmp_path, data=folder, options={"updates": 3}, device="cpu", progress=False)
    model, codec = trained(PLUGIN, recipe, tmp_path)
    import torch

    asked = {"category": torch.tensor([0, 1, 2])}
    made = model.sample(codec.encode(asked), Noise(1, torch.arange(3)))
    image = codec.decode(made, asked)["image"]
    assert image.shape == (3, 64, 64) and 0.0 <= image.min() and image.max() <= 1.0


def test_one_category_alone_is_refused(folder, tmp_path):
    with pytest.raises((PoolError, ValueError), match="expected 2 or more"):
        training_data(PLUGIN, PLUGIN.recipes["gan"], folder / "Hand", tmp_path)


def test_training_without_a_folder_says_what_it_needs(capsys, tmp_path):
    assert run(["train", "medical-images", "--run", str(tmp_path / "run")]) != 0
    assert "one sub-folder of images a category" in capsys.readouterr().err


def test_figures_pass_the_truth_and_catch_a_memoriser_and_a_blur():
    first, second = reduce(truth(240, 2)), reduce(truth(240, 3))
    fair = FIGURES(first, second)
    few = np.tile(np.arange(30), 8)
    copies = first.isel(sample=few).assign_coords(sample=np.arange(240))
    smooth = reduce(blurred(truth(240, 2), 1))
    assert fair["uncovered"] < 0.2 and fair["siblings"] < 0.1 and fair["teaching_loss"] < 0.1
    assert covering(copies, second)["uncovered"] > 0.4 and covering(copies, second)["siblings"] > 0.9
    blur = FIGURES(smooth, second)
    assert blur["Hand/edges"] > 4 * fair["Hand/edges"] and blur["HeadCT/power"] > 4 * fair["HeadCT/power"]
    shuffled = first.assign(category=("sample", np.roll(first["category"].values, 1)))
    assert taught(shuffled, second)["teaching_loss"] > 0.3


def test_figures_need_no_more_than_images_and_categories():
    data = truth(60, 1)
    bare = xr.Dataset({name: data[name] for name in ("image", "category")})
    assert reduce(bare)["features"].shape == (60, 64)
