"""The GAN and the diffusion model train from a folder of real cutouts with a catalogue of votes."""

from __future__ import annotations

import pytest
import torch
from test_galaxy_zoo import folder  # noqa: F401

from surrogates.cli.entry import run
from surrogates.contract.errors import SchemaError
from surrogates.plugins.galaxy_images import cutouts as stamps
from surrogates.plugins.galaxy_images import pixel_recipes
from surrogates.plugins.galaxy_images.ddpm import GalaxyDiffusion, learn
from surrogates.plugins.galaxy_images.gan import GalaxyGAN, play, pretrain
from surrogates.plugins.galaxy_images.pixels import PixelCodec
from surrogates.plugins.galaxy_images.variables import CONDITIONS
from surrogates.training.pools import Batches, encode_pool, pool_from_dataset


@pytest.mark.parametrize("kind", ["gan", "ddpm"])
def test_a_folder_of_cutouts_with_votes_trains_too(kind: str, folder, capsys, tmp_path_factory) -> None:  # noqa: F811
    recipe = getattr(pixel_recipes, kind)()
    before = sorted(folder.rglob("*"))
    (cutouts,) = recipe.learns(folder, tmp_path_factory.mktemp("kept"))
    assert sorted(folder.rglob("*")) == before
    assert "unreadable images, skipped: 6.jpg" in capsys.readouterr().err and cutouts.sizes["sample"] > 2
    pool = pool_from_dataset(cutouts, CONDITIONS.names)
    codec = PixelCodec()
    codec.fit([pool.physical])
    encoded = encode_pool(pool, codec, torch.float32)
    torch.manual_seed(0)
    model = GalaxyGAN(width=8) if kind == "gan" else GalaxyDiffusion(codec, width=8)
    for step in (play, pretrain) if kind == "gan" else (learn,):
        losses = dict(step(model, Batches([encoded], 4, 0, 0)[0]))
        assert all(bool(torch.isfinite(loss).all()) for loss in losses.values())


@pytest.mark.parametrize("kind", ["gan", "ddpm"])
def test_an_empty_folder_is_an_error_that_states_the_layout_and_stays_empty(kind: str, tmp_path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    assert run(["train", "galaxy-images", "--model", kind, "--data", str(mine), "--run", str(tmp_path / "run")]) == 2
    assert list(mine.iterdir()) == []


@pytest.mark.parametrize("holds", [(), ("notes.txt",)])
def test_the_error_about_a_wrong_folder_names_catalogue_and_pictures(holds, tmp_path, capsys) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in holds:
        (mine / name).write_text("mine")
    run(["train", "galaxy-images", "--model", "gan", "--data", str(mine), "--run", str(tmp_path / "run")])
    said = capsys.readouterr().err
    assert "dr7objid" in said and ".jpg" in said and "Hart et al. 2016" in said


def test_a_model_that_reads_no_folder_says_so_and_which_do(folder, tmp_path, capsys) -> None:  # noqa: F811
    elsewhere = str(tmp_path / "elsewhere")
    words = ["train", "galaxy-images", "--model", "decoder", "--data", str(folder), "--run", elsewhere]
    assert run(words) == 2
    said = capsys.readouterr().err
    assert "reads none but an HDF5 file" in said and "gan, ddpm" in said and "leave --data out" in said


def test_the_help_of_train_states_each_layout(capsys) -> None:
    assert run(["train", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "galaxy-images (gan, ddpm)" in said and "dr7objid" in said and "molecules (zinc, selfies)" in said


def test_two_pictures_of_one_name_are_refused(tmp_path):
    with pytest.raises(SchemaError, match=r"a/7\.jpg and .*b/7\.png are both '7' to the catalogue"):
        stamps.by_stem([tmp_path / "a" / "7.jpg", tmp_path / "b" / "8.jpg", tmp_path / "b" / "7.png"])
