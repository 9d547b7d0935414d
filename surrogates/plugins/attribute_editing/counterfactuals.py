"""Exact counterfactuals: a galaxy of galaxy-images, and the same one, of the same seed, with one attribute changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.schema import Schema
from ...noise import draws
from .variables import ATTRIBUTES, BRIGHTEST, CLASSES, CONDITIONS, OUTPUTS, SOFT, ZERO_POINT

if TYPE_CHECKING:
    import xarray as xr

GALAXIES = "galaxy-images"
"""The plugin that is opened by name; its reference draws the truth, its surrogate what training learns from."""

EDITS = ("morphology", *ATTRIBUTES)
"""Attributes that an edit changes, in turn."""

RANGES = {"half_light_radius": (0.3, 1.1), "ellipticity": (0.0, 0.6), "magnitude_r": (19.0, 23.5)}
"""Of the galaxies that are edited, and of what is asked."""

PARTS, PAIRS, SEED = 5, 400, 41
"""Parts of the pairs that training learns from, pairs in each, and the seed of the first."""

MIXED, NONE = 0.25, 0.05
"""Shares of training pairs of which several attributes are changed, and of which none is."""


def _bounds() -> dict[str, tuple[float, float]]:
    bands = {f"magnitude_{band}": (17.0, 27.5) for band in "gi"}
    return {**RANGES, **bands}


def before_and_after(n: int, seed: int, *, mixed: bool) -> tuple[xr.Dataset, xr.Dataset, np.ndarray]:
    """Conditions of galaxy-images before and after an edit, and which of `EDITS` were made, (n, edits) bool."""
    from ... import registry
    from ...sampling.request import condition_dataset

    galaxies = registry.plugin(GALAXIES)
    schema = galaxies.conditions.narrowed(_bounds())
    assert galaxies.complete is not None
    samples = np.arange(n)
    drawn = draws(seed, samples)
    kinds = np.array([galaxies.conditions["morphology"].categories.index(name) for name in CLASSES])  # type: ignore[union-attr]
    code = (drawn.uniform((), "class") * len(CLASSES)).astype(int)
    blank = condition_dataset(galaxies.conditions, n=n, check=False, morphology=kinds[code])
    old = galaxies.complete(schema, blank, seed)
    made = np.eye(len(EDITS), dtype=bool)[samples % len(EDITS)]
    if mixed:
        how, several = drawn.uniform((), "how many"), drawn.uniform((len(EDITS),), "which") < 0.5
        made = np.where((how < MIXED)[:, None], several, made) & (how < 1 - NONE)[:, None]
    wanted = drawn.uniform((len(EDITS),), "wanted")
    changed = {name: old[name].values.copy() for name in old.data_vars}
    changed["morphology"] = np.where(made[:, 0], kinds[1 - code], changed["morphology"])
    for column, name in ((1, "half_light_radius"), (2, "ellipticity")):
        low, high = RANGES[name]
        fresh = low * (high / low) ** wanted[:, 1] if name == "half_light_radius" else low + (high - low) * wanted[:, 2]
        changed[name] = np.where(made[:, column], fresh, changed[name])
    flat = np.sqrt((1 - changed["ellipticity"]) / (1 + changed["ellipticity"]))
    widest = np.minimum(6.4 / 4.5, 6.4 / 3.0 * flat) * 0.999
    changed["half_light_radius"] = np.where(
        made.any(axis=1), np.minimum(changed["half_light_radius"], widest), changed["half_light_radius"]
    )
    shift = np.where(made[:, 3], 3.0 * (wanted[:, 3] - 0.5), 0.0)
    apart = np.where(made[:, 4], 1.2 * (wanted[:, 4] - 0.5), 0.0)
    for band, part in (("g", 0.5), ("r", 0.0), ("i", -0.5)):
        changed[f"magnitude_{band}"] = changed[f"magnitude_{band}"] + shift + part * apart
    changed["inclination"] = np.where(made[:, :3:2].any(axis=1), np.nan, changed["inclination"])
    for name in ("bulge_fraction", "sersic_index"):  # as the other class has them
        changed[name] = np.where(made[:, 0], np.nan, changed[name])
    new = galaxies.complete(galaxies.conditions, old.assign({k: old[k].copy(data=v) for k, v in changed.items()}), seed)
    return old, new, made


def pairs(n: int, seed: int, simulator: Any, *, mixed: bool = False) -> dict[str, np.ndarray]:
    """Arrays of `CONDITIONS` and `OUTPUTS`: stamps before, what is asked, and stamps after.

    Parameters
    ----------
    n, seed : int
    simulator : Simulator
        Of galaxy-images.
    mixed : bool
        Some pairs of which several attributes are changed, and some of which none is.
    """
    import torch

    from ...physics.galaxies import editing

    old, new, made = before_and_after(n, seed, mixed=mixed)
    stamps = []
    for side in (old, new):
        image = torch.from_numpy(simulator.sample(side, seed=seed)["image"].values).double().flip(1)
        stamps.append(editing.stretched(image.clamp_min(0.0), SOFT, BRIGHTEST).clamp(0, 1).permute(0, 2, 3, 1))
    g, r, i = (
        ZERO_POINT - 2.5 * np.log10(flux)
        for flux in editing.unstretched(stamps[1], SOFT, BRIGHTEST).sum(dim=(1, 2)).numpy().T[::-1]
    )
    asked = {**{name: new[name].values for name in ATTRIBUTES[:2]}, "magnitude_r": r, "colour": g - i}
    found = {name: np.where(made[:, EDITS.index(name)], values, np.nan) for name, values in asked.items()}
    found["position_angle"] = np.where(made[:, EDITS.index("ellipticity")], new["position_angle"].values, np.nan)
    kinds = new["morphology"].values
    code = (kinds == _code("elliptical")).astype(np.int8)
    found["morphology"] = np.where(made[:, 0], code, -1).astype(np.int8)
    return {**found, "image": stamps[0].float().numpy(), "edited": stamps[1].float().numpy()}


def _code(name: str) -> int:
    from ... import registry

    return registry.plugin(GALAXIES).conditions["morphology"].categories.index(name)  # type: ignore[union-attr]


def _dataset(arrays: dict[str, np.ndarray]) -> xr.Dataset:
    asked, made = ({name: arrays[name] for name in schema.names} for schema in (CONDITIONS, OUTPUTS))
    return CONDITIONS.dataset(asked).merge(OUTPUTS.dataset(made))


def truth(n: int, seed: int) -> xr.Dataset:
    """Pairs by the reference of galaxy-images, each attribute in turn."""
    from ... import registry
    from ...sampling.reference import ReferenceSimulator

    return _dataset(pairs(n, seed, ReferenceSimulator.open(registry.plugin(GALAXIES))))


def training(folder: Path | None) -> tuple[xr.Dataset, ...]:
    """Pairs by the surrogate of galaxy-images, whose counterfactuals are as exact and eighteen times as cheap."""
    from ...sampling.opening import load
    from ...training.simulated import kept

    simulator = load(GALAXIES, threads=1)
    parts = [(f"pairs-{k:02d}", {"n": PAIRS, "seed": SEED + k}) for k in range(PARTS)]
    make = partial(pairs, simulator=simulator, mixed=True)
    found = list(kept(folder, parts, make, {"weights": simulator.card.sha256, "edits": list(EDITS)}))
    return (_dataset({name: np.concatenate([part[name] for part in found]) for name in found[0]}),)


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Round galaxies of one exponential law and what is asked of them, cheap: one attribute in turn."""
    low, high = schema["image"].bounds or (0.0, 1.0)
    drawn = draws(seed, np.arange(n))
    place = drawn.uniform((len(EDITS),), "wanted")
    axis = np.arange(64) - 31.5
    scale = 2.0 + 3.0 * drawn.uniform((), "scale")[:, None, None]
    flat = 1.0 + drawn.uniform((), "flat")[:, None, None]
    light = np.exp(-np.hypot(axis[:, None], flat * axis) / scale)
    flux = 20.0 * 10.0 ** (1.5 * drawn.uniform((3,), "light"))[:, None, None] * light[..., None]
    image = np.arcsinh(flux / SOFT) / np.arcsinh(BRIGHTEST / SOFT)
    values: dict[str, np.ndarray] = {"image": np.clip(image, low, high)}
    turn = np.arange(n) % len(EDITS)
    values["morphology"] = np.where(turn == 0, (place[:, 0] * len(CLASSES)).astype(np.int8), -1).astype(np.int8)
    for column, name in enumerate(ATTRIBUTES, start=1):
        least, most = schema[name].bounds or (0.0, 1.0)
        values[name] = np.where(turn == column, least + (most - least) * place[:, column], np.nan)
    low, high = schema["position_angle"].bounds or (0.0, 180.0)
    values["position_angle"] = np.where(turn == 2, low + (high - low) * drawn.uniform((), "angle"), np.nan)
    return schema.dataset(values)
