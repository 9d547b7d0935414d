"""How the crystal model is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Model, Muon, Phase, Recipe
from .own import FILES, LAYOUT

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

SOURCE = "Materials Project structures (CC BY 4.0) of up to 40 atoms and 16 orbits, three in four chemical systems"


def _data(folder: Path) -> tuple[xr.Dataset, ...]:
    """The packaged training structures."""
    from .truth import pool

    del folder
    return (pool("train"),)


def _model(codec: Codec, *, width: int, layers: int) -> Model:
    from .model import CrystalModel

    return CrystalModel(codec, width=width, layers=layers)


def _small(folder: Path) -> tuple[xr.Dataset, ...]:
    """The packaged training structures of few atoms, with the five properties that the GAN is asked for."""
    from .truth import stated_pool

    del folder
    return (stated_pool("train"),)


def _gan_model(codec: Codec) -> Model:
    from .gan import CrystalGAN

    return CrystalGAN(codec)  # type: ignore[arg-type]


def _length(encoded: Mapping[str, Tensor]) -> Tensor:
    return (encoded["tokens"] != 0).sum(1)


USE = (
    "Candidate structures of a formula or chemical system in a space group, to be relaxed and judged by a potential or "
    "density-functional theory. Energies that come with them rank and do not judge."
)


def wyckoff(updates: int = 900, width: int = 112, layers: int = 3) -> Recipe:
    """Autoregressive over Wyckoff positions, then cell and coordinates by mixtures.

    Parameters
    ----------
    updates : int
        Of 128 structures each.
    width, layers : int
        Of the transformer.
    """
    return _likelihood(
        _data,
        updates,
        width,
        layers,
        source=SOURCE,
        description="transformer over space group, Wyckoff positions and free parameters; symmetric by construction",
        use=USE,
    )


def perov(updates: int = 250) -> Recipe:
    """The default's recipe on a user's structures of one cell size, as perov-5's."""
    return _likelihood(
        None,
        updates,
        112,
        3,
        source="perov-5 (CDVAE, MIT): perovskites of five atoms and relatives that relaxed away from them",
        description="the default's transformer on perov-5, or on any table with a column of CIFs (--data)",
        use="Five-atom ABX3 compounds for comparison with the field's models; a start for structures of your own.",
    )


def carbon(updates: int = 250) -> Recipe:
    """The default's recipe on a user's structures of one element, as carbon-24's."""
    return _likelihood(
        None,
        updates,
        112,
        3,
        source="carbon-24 (CDVAE, MIT): carbon of 6 to 24 atoms at 10 GPa by random search",
        description="the default's transformer on carbon-24, or on any table with a column of CIFs (--data)",
        use="Carbon at 10 GPa for comparison with the field's models; a start for structures of your own. Its nearest "
        "atoms lie at other distances than the data's, by a tenth of a bond in the mean: relax before use.",
    )


def _likelihood(
    data: Callable[[Path], tuple[xr.Dataset, ...]] | None,
    updates: int,
    width: int,
    layers: int,
    *,
    source: str,
    description: str,
    use: str,
) -> Recipe:
    """Maximum likelihood of the writer, and of the estimator where there are energies."""
    writer = Muon(2e-3, matrices=4e-3, inside="writer.layers", warmup=30, final_fraction=0.02)
    estimator = Adam(3e-3, warmup=30, weight_decay=1e-4, final_fraction=0.01)
    return Recipe(
        data=data,
        model=partial(_model, width=width, layers=layers),
        phases=(
            Phase(
                deferred("surrogates.plugins.crystals.network:learn"),
                updates,
                {"network": writer, "estimator": estimator},
                average=0.995,
            ),
        ),
        batch_size=128,
        sample_batch=256,
        alike=_length if data is not None else None,  # of few batches, each would hold one space group alone
        learns=deferred("surrogates.plugins.crystals.own:read"),
        layout=LAYOUT,
        reads=FILES,
        schema=deferred("surrogates.plugins.crystals.own:schemas"),
        source=source,
        description=description,
        use=use,
    )


def gan(updates: int = 1500) -> Recipe:
    """The literature's GAN, its validity loss corrected; for comparison.

    Parameters
    ----------
    updates : int
        Of both networks, of 128 structures each.
    """
    player = Adam(2e-4, betas=(0.0, 0.99), final_fraction=0.1)
    return Recipe(
        data=_small,
        model=_gan_model,
        phases=(
            Phase(
                deferred("surrogates.plugins.crystals.gan:play"),
                updates,
                {"generator": player, "discriminator": player},
                average=0.998,
            ),
        ),
        batch_size=128,
        sample_batch=256,
        codec=deferred("surrogates.plugins.crystals.gan_codec:GanCodec"),
        schema=deferred("surrogates.plugins.crystals.gan_codec:schemas"),
        source="Materials Project structures (CC BY 4.0) of up to 20 atoms, three in four chemical systems",
        description="GAN of cell, positions and elements at once, asked for five properties; the literature's",
        use=(
            "For comparison. No two atoms are too close and nothing is copied, and nothing else is the data's: "
            "compositions are of five elements at random, all but three in a thousand crystals have no symmetry, and "
            "half lie on the limit of too short distances. Candidates come from the default."
        ),
        baseline=True,
    )
