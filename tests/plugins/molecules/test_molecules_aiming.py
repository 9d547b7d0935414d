"""The policy gradient: what is asked in it, how far molecules miss it, and that they miss it by less."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

import torch

from surrogates.plugins.molecules.aiming import FARTHEST, Refusals, asked, found_scores, misses
from surrogates.plugins.molecules.codec import MoleculeCodec
from surrogates.plugins.molecules.network import MoleculeModel
from surrogates.plugins.molecules.packaged import qm9_labels, qm9_smiles
from surrogates.plugins.molecules.variables import PROPERTIES

N = len(PROPERTIES)


def scaled(**known):
    """A model whose known properties have a mean of 1 and the given spreads."""
    codec = MoleculeCodec()
    for name, spread in known.items():
        codec.centre[PROPERTIES.index(name)], codec.spread[PROPERTIES.index(name)] = 1.0, spread
    return MoleculeModel(codec, width=16, layers=1, heads=2)


def test_something_known_is_asked_of_every_molecule_and_nothing_unknown():
    generator = torch.Generator().manual_seed(1)
    marks = torch.ones(4000, N)
    marks[:, 5:] = 0.0
    marks[0] = 0.0
    scores = torch.randn(4000, N, generator=generator)
    context = torch.cat((scores * marks, marks), dim=1)
    found = asked(context, torch.rand(4000, 2 + N, generator=generator))
    shown = found[:, N:]
    assert torch.equal(found[:, :N], scores * shown) and bool((shown <= marks).all())
    count = shown.sum(1)
    assert count[0] == 0 and bool((count[1:] >= 1).all())
    whole, single = float((count == 5).float().mean()), float((count == 1).float().mean())
    assert 0.45 < whole < 0.6 and 0.25 < single < 0.4  # 0.4 and 0.2 beside the random subsets that are so too
    alone = shown[count == 1].mean(0)[:5]
    assert float(alone.min()) > 0.15


def test_misses_are_of_what_is_asked_alone():
    wanted, marks = torch.zeros(4, N), torch.zeros(4, N)
    marks[0, :4], marks[1, 0], marks[2, 1] = 1.0, 1.0, 1.0
    scores = torch.full((4, N), 9.0, dtype=torch.float64)
    scores[0, :4] = torch.tensor([0.5, -0.5, 1.0, 0.0], dtype=torch.float64)
    scores[1, 0], scores[2] = -0.25, torch.nan
    found = misses(torch.cat((wanted, marks), dim=1), scores)
    torch.testing.assert_close(found, torch.tensor([1.0, 0.25, FARTHEST, 0.0], dtype=torch.float64))


class Odd:
    """A grammar that refuses odd tokens."""

    def __init__(self):
        self.kept = []

    def refused(self, tokens, rows):
        return tokens % 2 == 1

    def took(self, tokens):
        self.kept.append(tokens)

    def select(self, rows):
        self.kept = [tokens[rows] for tokens in self.kept]


def test_places_where_a_token_was_refused_are_noted_whichever_sequences_go_on():
    inner = Odd()
    grammar = Refusals(inner, 4, 3)
    rows = torch.arange(4)
    assert grammar.refused(torch.tensor([1, 2, 3, 4]), rows).tolist() == [True, False, True, False]
    assert grammar.refused(torch.tensor([2, 4]), torch.tensor([0, 2])).tolist() == [False, False]
    grammar.took(torch.tensor([2, 2, 4, 4]))
    grammar.select(torch.tensor([3, 1]))
    assert grammar.refused(torch.tensor([6, 5]), torch.tensor([0, 1])).tolist() == [False, True]
    grammar.took(torch.tensor([6, 2]))
    assert grammar.found.tolist() == [[True, False, False], [False, True, False], [True, False, False], [False] * 3]
    assert [tokens.tolist() for tokens in inner.kept] == [[4, 2], [6, 2]]


def test_scores_are_rdkits_and_the_labels_of_known_molecules():
    model = scaled(molecular_weight=10.0, gap=2.0)
    smiles, gap = qm9_smiles(), qm9_labels()["gap"]
    place = next(i for i in range(2000, 3000) if np.isfinite(gap[i]))
    found = found_scores(model, [smiles[place], "C1CC"])
    weight, asked_gap = PROPERTIES.index("molecular_weight"), PROPERTIES.index("gap")
    assert bool(found[1].isnan().all())
    assert set(torch.nonzero(~found[0].isnan())[:, 0].tolist()) == {weight, asked_gap}
    from rdkit import Chem
    from rdkit.Chem import Descriptors

    assert float(found[0, weight]) == pytest.approx(
        (Descriptors.MolWt(Chem.MolFromSmiles(smiles[place])) - 1.0) / 10.0  # pyright: ignore[reportAttributeAccessIssue]
    )
    assert float(found[0, asked_gap]) == pytest.approx((gap[place] - 1.0) / 2.0, abs=0.3)  # another conformer at most


def test_without_a_gap_nothing_is_simulated(monkeypatch):
    from surrogates.plugins.molecules import aiming

    monkeypatch.setattr(aiming, "_simulated", lambda text: pytest.fail(f"{text} was simulated"))
    assert bool(found_scores(scaled(log_p=1.0), ["CCO"])[0, 0].isfinite())


def test_without_tblite_unknown_molecules_miss_and_one_line_says_so(monkeypatch):
    from surrogates.plugins.molecules import aiming

    monkeypatch.setattr(aiming, "find_spec", lambda name: None)
    aiming._can_simulate.cache_clear()
    try:
        with pytest.warns(UserWarning, match="tblite is not installed"):
            found = found_scores(scaled(gap=2.0), ["C" * 30])
    finally:
        aiming._can_simulate.cache_clear()
    assert bool(found.isnan().all())


@pytest.mark.slow
def test_drawn_molecules_come_nearer_to_what_was_asked(plugin, short_plugin, library, tmp_path):
    from surrogates.training.train import train

    recipe, aimed = short_plugin.recipes["zinc"], plugin.recipes["zinc"].phases[-1]
    settings = {"network": replace(aimed.optimisers["network"], learning_rate=1e-3)}
    phases = (replace(recipe.phases[0], updates=150), replace(aimed, updates=120, optimisers=settings))
    short = replace(short_plugin, recipes={"zinc": replace(recipe, phases=phases)})
    train(short, "zinc", tmp_path, data=library, device="cpu", progress=False, figure=lambda model, codec: None)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    missed = [record["notes"]["missed"] for record in log if "missed" in record.get("notes", {})]
    assert len(missed) == 120
    assert np.mean(missed[-30:]) < 0.8 * np.mean(missed[:30])
