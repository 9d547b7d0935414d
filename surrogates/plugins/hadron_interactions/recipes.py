"""How the model of interactions is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe

if TYPE_CHECKING:
    from .network import InteractionModel


def _model(codec: Codec) -> InteractionModel:
    from .network import InteractionModel

    return InteractionModel()


def rapidity_chain(updates: int = 7_000) -> Recipe:
    """Numbers of an interaction, then a Markov chain of its particles along rapidity; maximum likelihood."""
    return Recipe(
        data=deferred("surrogates.plugins.hadron_interactions.training_data:pool"),
        model=_model,
        phases=(
            Phase(
                deferred("surrogates.plugins.hadron_interactions.network:learn"),
                updates,
                {"event": Adam(3e-3, clip=2.0), "chain": Adam(4e-3, clip=1.0)},
                average=0.995,
            ),
        ),
        batch_size=128,
        sample_batch=1024,
        sample_part=64,
        description="numbers of an interaction, then its particles along rapidity; balances closed exactly",
        use=(
            "Secondaries of single interactions of nucleons, pions, kaons with p, N, O, Fe from 20 GeV to 10 TeV "
            "as UrQMD 3.4 makes them, for cascades and detector studies; not for the remnant's break-up, charm, "
            "or correlations of a few particles."
        ),
    )
