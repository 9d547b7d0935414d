"""Checks that a recipe works: it trains on its own data, is released, loads, and samples what the schema says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .declaration import follows_schema
from .subject import Skipped, Subject, tensors

UPDATES = 2
"""Of each phase: enough to run every line of it."""

ROWS = 4
"""Batches of training data that are kept of each pool."""


def check_recipe_trains_releases_and_samples(subject: Subject, recipe: str) -> None:
    """Two updates a phase on the recipe's own data, then weights and card, which load and sample.

    Laws by construction and by projection hold however little was learned.
    """
    if not subject.trains:
        raise Skipped("its training data are not simulated here; Subject(trains=True) does")
    from ..release.made import new_card
    from ..release.weights import save_release
    from ..sampling.surrogate import Surrogate
    from ..training.pools import Pool, write_pools
    from ..training.train import train, trained, training_data

    declared = subject.plugin.recipes[recipe]
    if declared.data is None:
        raise Skipped("the recipe learns from users' own data alone; a test of the plugin's own trains it on some")
    if declared.serves:
        raise Skipped(f"one weight file also serves {', '.join(declared.serves)}; train it with them")
    short = replace(declared, phases=tuple(replace(p, updates=min(p.updates, UPDATES)) for p in declared.phases))
    plugin = replace(subject.plugin, recipes={**subject.plugin.recipes, recipe: short})
    with TemporaryDirectory() as place:
        folder = Path(place)
        described, pools = training_data(plugin, short, None, folder)
        few = [
            Pool(
                *(
                    {name: t[: ROWS * short.batch_size] for name, t in kind.items()}
                    for kind in (p.outputs, p.conditions)
                )
            )
            for p in pools
        ]
        data = folder / "pools.h5"
        found = None if described is plugin else {plugin.name: (described.conditions, described.outputs)}
        write_pools(data, few, found)
        train(plugin, recipe, folder, data=data, seed=subject.seed, device="cpu", progress=False)
        model, codec = trained(described, recipe, folder)
        card = new_card(plugin, recipe, data=data, run=folder, seed=subject.seed)
        weights = folder / "weights" / f"{recipe}.safetensors"
        weights.parent.mkdir()
        card = save_release(model, codec, card, weights)
        assert card.parameters > 0, f"{recipe}: the released weights are empty; name in `ships` what `sample` needs"
        surrogate = Surrogate.open(plugin, model=recipe, folder=weights.parent)
        asked = plugin.prior(surrogate.conditions, 16, subject.seed)
        samples = surrogate.sample(asked, seed=subject.seed)
    follows_schema(samples, replace(subject, plugin=described))
    sides = [tensors(samples, schema.names) for schema in (described.outputs, described.conditions)]
    for law in described.constraints:
        if law.strength == "penalty":
            continue
        worst: Any = float(law.residual(*sides).abs().max())
        assert worst <= law.tolerance, (
            f"{law.name}: {worst:.3g} after {UPDATES} updates, and its tolerance is {law.tolerance:g}; a law by "
            f"{law.strength} holds however little was learned"
        )
