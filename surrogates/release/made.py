"""The card of weights that were just trained: what they are and come from, before any figure is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import WeightsError
from ..provenance import package_version, processor
from .cards import Card
from .weights import save_release

if TYPE_CHECKING:
    from ..contract.plugin import Plugin
    from ..contract.recipe import Recipe


NARROWED_BELOW = 0.98
"""A condition whose data cover less than this share of its declared range narrows the trained range."""


CARD = "card.json"
"""The card of a run, made when it begins: what `weights_of` needs beside the newest checkpoint."""

UNFINISHED = "training is not finished"
"""How the note of a card begins whose run goes on."""


def new_card(
    plugin: Plugin,
    recipe: str,
    *,
    data: Path | None,
    run: Path,
    seed: int,
    partners: Sequence[Plugin] = (),
    options: Mapping[str, Any] | None = None,
) -> Card:
    """The card of weights that are trained in `run`: what they are and come from, no figure measured yet.

    Parameters
    ----------
    plugin : Plugin
    recipe : str
    data : Path, optional
        What was trained on; what the run simulated without it.
    run : Path
    seed : int
    partners : sequence of Plugin
        Further plugins that the weights serve, `Recipe.serves`.
    options : mapping, optional
        That the recipe was trained with.
    """
    from ..training.train import training_data

    packages = ("surrogates", "torch", "numpy", plugin.reference_package)
    recipes = {served.name: served.recipes[recipe].using(**(options or {})) for served in (plugin, *partners)}
    schemas: dict[str, Any] = {}
    ranges: dict[str, tuple[float, float]] = {}
    never: tuple[str, ...] = ()
    pools: Sequence[Any] = ()
    for declared in (*partners, plugin):
        described, pools = training_data(declared, recipes[declared.name], data, run)
        if described is not declared:
            found = {"conditions": described.conditions, "outputs": described.outputs}
            schemas[declared.name] = {kind: schema.to_json() for kind, schema in found.items()}
        asked = [pool.conditions for pool in pools]
        ranges |= (
            declared_range(described)
            if (data is None and declared.reference is not None) or is_private(recipes[declared.name])
            else trained_range(described, asked)
        )
        ranges |= recipes[declared.name].limited
        never += unseen(described, asked, recipes[declared.name].derives)
    chosen = recipes[plugin.name]
    simulated_by = f"{plugin.reference_package or plugin.name} samples, simulated by the recipe"
    return Card(
        plugin=plugin.name,
        recipe=recipe,
        title=plugin.title,
        trained_range=ranges,
        unseen=never,
        training_data=f"samples from {data.name}" if data else chosen.source or simulated_by,
        training_samples=sum(len(pool) for pool in pools),
        hardware=processor(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        seed=seed,
        packages={package: package_version(package) for package in packages if package},
        position=list(plugin.recipes).index(recipe),
        use=chosen.use,
        baseline=chosen.baseline,
        anchors=plugin.anchors,
        also=tuple(partner.name for partner in partners),
        schemas=schemas,
        options=chosen.chosen,
        notes=("no figure has been measured on these weights yet",),
    )


def weights_of(plugin: Plugin, run: Path, *, stored: str = "float32") -> Path:
    """The newest checkpoint's averaged weights as a file with its card in the run's folder, whether it ended or not.

    Raises
    ------
    WeightsError
        No run of this plugin, or none that has trained yet.
    """
    from ..training.checkpoints import CHECKPOINT, load_checkpoint
    from ..training.train import trained

    if not (run / CARD).is_file() or not (run / CHECKPOINT).is_file():
        raise WeightsError(
            f"weights: {run} holds no run with a checkpoint; expected a .safetensors file or such a folder"
        )
    card = Card.read(run / CARD)
    if plugin.name not in (card.plugin, *card.also) or card.recipe not in plugin.recipes:
        raise WeightsError(f"weights: {run} is a run of {card.plugin}/{card.recipe}; expected one of {plugin.name}")
    target = run / f"{card.recipe}.safetensors"
    state = load_checkpoint(run)
    updates = state["fingerprint"]["updates"]
    done, whole = sum(updates[: state["phase"]]) + state["step"], sum(updates)
    if not done:
        raise WeightsError(
            f"weights: {run} has not trained yet; expected a run with a checkpoint after its first update"
        )
    card = replace(card, notes=(*card.notes, *privacy_note(run)))
    if done < whole:
        card = replace(card, notes=(*card.notes, f"{UNFINISHED}: {done:,} of {whole:,} updates"))
    save_release(*trained(card.described(plugin), card.recipe, run), card, target, stored=stored)
    return target


def is_private(recipe: Recipe) -> bool:
    """Whether what is learned is private: nothing else that is read off the data may then stand on a card."""
    return any(phase.privacy is not None for phase in recipe.phases)


def privacy_note(run: Path) -> tuple[str, ...]:
    """What a private run has spent, in words; nothing of any other run."""
    from ..models.private import epsilon_of
    from ..training.private import spent

    said = spent(run)
    if said is None:
        return ()
    epsilon = epsilon_of(said["noise_multiplier"], said["sampling_rate"], said["begun"], said["delta"])
    return (
        f"differential privacy: epsilon {epsilon:.2f} at delta {said['delta']:g} for one training sample (a patient, "
        f"where each has one row) added or removed; {said['samples']:,} samples, each in a batch with probability "
        f"{said['sampling_rate']:.4f}, gradients clipped to {said['clip']:g}, noise multiplier "
        f"{said['noise_multiplier']:g}, {said['begun']:,} updates; counted by Opacus (numerically composed privacy "
        "loss). It covers the weights and whatever is sampled from them. It does not cover the number of samples, the "
        "choice of settings, or figures on this card that were measured on real samples; noise is drawn in floating "
        "point from the system's entropy",
    )


def declared_range(plugin: Plugin) -> dict[str, tuple[float, float]]:
    """The declared bounds of the numeric conditions."""
    return {variable.name: variable.bounds for variable in plugin.conditions if variable.bounds is not None}


def trained_range(plugin: Plugin, pools: list[Any]) -> dict[str, tuple[float, float]]:
    """The declared bounds, narrowed where the training data cover clearly less of them."""
    ranges = declared_range(plugin)
    for name, (low, high) in ranges.items():
        values = [pool[name] for pool in pools if name in pool]
        values = [value[~value.isnan()] for value in values if value.is_floating_point()]
        found = [(float(value.min()), float(value.max())) for value in values if len(value)]
        if found:
            least, most = min(pair[0] for pair in found), max(pair[1] for pair in found)
            slack = (1.0 - NARROWED_BELOW) * (high - low)
            ranges[name] = (low if least - low <= slack else least, high if high - most <= slack else most)
    return ranges


def unseen(plugin: Plugin, pools: list[Any], derived: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Optional conditions that no training sample has, where the samples stand under conditions at all."""
    if not any(pools) or plugin.complete is not None:
        return ()
    asked = [variable for variable in plugin.conditions if variable.optional and variable.name not in derived]
    return tuple(
        variable.name for variable in asked if not any(_there(pool.get(variable.name), variable.text) for pool in pools)
    )


def _there(values: Any, text: bool) -> bool:
    """Whether any row has a value: a number, a class, or text that is not empty."""
    if values is None:
        return False
    if values.is_floating_point():
        return bool((~values.isnan()).any())
    return bool((values > 0).any() if text else (values >= 0).any())
