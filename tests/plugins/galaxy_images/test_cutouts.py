"""The GAN and the diffusion model train from a folder of real cutouts with a catalogue of votes."""

from __future__ import annotations

import pytest
import torch
from test_galaxy_zoo import folder  # noqa: F401

from surrogates.plugins.galaxy_images import pixel_recipes
from surrogates.plugins.galaxy_images.ddpm import GalaxyDiffusion, learn
from surrogates.plugins.galaxy_images.gan import GalaxyGAN, play, pretrain
from surrogates.plugins.galaxy_images.pixels import PixelCodec
from surrogates.plugins.galaxy_images.variables import CONDITIONS
from surrogates.training.pools import Batches, encode_pool, pool_from_dataset


@pytest.mark.parametrize("kind", ["gan", "ddpm"])
def test_a_folder_of_cutouts_with_votes_trains_too(kind: str, folder, capsys) -> None:  # noqa: F811
    recipe = getattr(pixel_recipes, kind)()
    (cutouts,) = recipe.data(folder)
    assert "unreadable images, skipped: 6.jpg" in capsys.readouterr().err and cutouts.sizes["sample"] > 2
    assert not list(folder.glob("shard-*"))
    pool = pool_from_dataset(cutouts, CONDITIONS.names)
    codec = PixelCodec()
    codec.fit([pool.physical])
    encoded = encode_pool(pool, codec, torch.float32)
    torch.manual_seed(0)
    model = GalaxyGAN(width=8) if kind == "gan" else GalaxyDiffusion(codec, width=8)
    for step in (play, pretrain) if kind == "gan" else (learn,):
        losses = dict(step(model, Batches([encoded], 4, 0, 0)[0]))
        assert all(bool(torch.isfinite(loss).all()) for loss in losses.values())
