"""Crystals whose cell had to grow, or whose group is another than the written one, are drawn again; others stay."""

from dataclasses import replace

import numpy as np
import pytest

import surrogates
from surrogates import registry
from surrogates.physics.crystals.standard import Standard
from surrogates.plugins.crystals.codec import crystals_of
from surrogates.plugins.crystals.packaged import library
from surrogates.plugins.crystals.separation import fault, regrouped, separated
from surrogates.plugins.crystals.variables import OUTPUTS
from surrogates.plugins.crystals.writing import CrystalSampler

pytest.importorskip("moyopy")


def test_known_structures_are_sound_and_swollen_ones_are_not():
    crystals = [crystal for crystal in library("test").crystals[:40] if separated(crystal) is crystal]
    assert len(crystals) > 20
    assert np.mean([fault(crystal, crystal) == 0.0 for crystal in crystals]) > 0.95
    for crystal in crystals[:5]:
        grown = crystal.parameters.copy()
        grown[:3] *= 1.1
        assert 1.32 < fault(replace(crystal, parameters=grown), crystal) < 1.34


def test_rock_salt_written_without_symmetry_is_of_another_group():
    cubic = np.array([5.64, 5.64, 5.64, 90.0, 90.0, 90.0])
    salt = Standard(225, cubic, (11, 17), (0, 1), np.zeros((2, 3)))
    points, numbers, _ = salt.sites()
    plain = Standard(1, cubic, tuple(numbers.tolist()), (0,) * len(numbers), points)
    assert not regrouped(salt)
    assert regrouped(plain)


def opened(slots: int) -> surrogates.Surrogate:
    """The released surrogate in smaller batches than it serves, which cost less where few are asked."""
    surrogate = surrogates.load("crystals")
    recipes = dict(surrogate.plugin.recipes)
    recipes[surrogate.card.recipe] = replace(recipes[surrogate.card.recipe], sample_batch=slots)
    return replace(surrogate, plugin=replace(surrogate.plugin, recipes=recipes))


def test_only_unsound_crystals_are_drawn_again():
    plugin, surrogate = registry.plugin("crystals"), opened(48)
    asked = plugin.prior(plugin.conditions, 48, 11)
    drawn, once, again = (
        crystals_of({name: found[name].values for name in OUTPUTS.names})
        for found in (
            surrogate.using(descent=False).sample(asked, seed=3),
            surrogate.using(redraws=0).sample(asked, seed=3),
            surrogate.sample(asked, seed=3),
        )
    )
    unsound = np.array([fault(after, before) > 0 for after, before in zip(once, drawn, strict=True)])
    kept = np.array(
        [
            a.number == b.number and a.places == b.places and np.array_equal(a.parameters, b.parameters)
            for a, b in zip(once, again, strict=True)
        ]
    )
    assert unsound.any() and kept[~unsound].all()
    assert not any(regrouped(crystal) for crystal in again)
    volumes = [[np.linalg.det(c.vectors) / c.group.cells / c.atoms for c in side] for side in (once, again)]
    assert max(volumes[1]) <= max(volumes[0])


def test_the_best_of_several_has_the_least_estimate():
    surrogate = opened(12).using(descent=False)
    one, best = (surrogate.using(best_of=k).sample(12, seed=5, chemical_system="Ba-Ti-O") for k in (1, 3))
    estimates = [side["estimated_energy_above_hull"].values for side in (one, best)]
    assert (estimates[1] <= estimates[0]).all() and (estimates[1] < estimates[0]).any()


def test_numbers_of_crystals_are_whole():
    for wrong in ({"best_of": 2.5}, {"best_of": 0}, {"best_of": "3"}, {"redraws": 1.5}, {"redraws": -1}):
        with pytest.raises(ValueError, match="expected a whole number"):
            CrystalSampler(**wrong)
    assert CrystalSampler(best_of=np.int64(2)).best_of == 2
