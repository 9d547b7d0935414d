"""A small generator trained on a user's file: any subset asked, sampler options, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")

import surrogates
from surrogates.contract.errors import SchemaError
from surrogates.models.autoregressive import shifted
from surrogates.networks.stretches import simple_tokens
from surrogates.physics.molecules.descriptors import DESCRIPTORS, describe
from surrogates.plugins.molecules.codec import START
from surrogates.plugins.molecules.measure import texts
from surrogates.plugins.molecules.network import MoleculeSampler
from surrogates.release.cards import Card
from surrogates.testing import checks
from surrogates.training.train import training_pools


def test_a_users_file_is_split_and_trained_on(plugin, library, tmp_path):
    beside = sorted(library.parent.iterdir())
    (pool,) = training_pools(plugin, plugin.recipes["zinc"], library, tmp_path)
    assert sorted(library.parent.iterdir()) == beside and list(tmp_path.glob("data/described/*"))
    n = len(set(library.read_text().split()))
    assert 0.5 * n < len(pool) <= n
    assert pool.conditions["gap"].isnan().all() and not pool.conditions["qed"].isnan().any()


def test_the_card_names_what_no_training_molecule_had(surrogate):
    assert surrogate.card.unseen == ("gap", "dipole")
    low, high = surrogate.card.trained_range["molecular_weight"]
    assert 10.0 < high < 300.0
    assert surrogate.card.anchors == surrogate.plugin.anchors
    assert Card.from_json(surrogate.card.to_json()) == surrogate.card


@pytest.mark.parametrize("extrapolate", [False, True])
def test_asking_what_was_never_seen_is_an_error(surrogate, extrapolate):
    opened = replace(surrogate, extrapolate=extrapolate)
    with pytest.raises(SchemaError, match=r"^gap: 5 asked; no training sample of molecules/zinc had it") as error:
        opened.sample(2, seed=1, gap="5 eV")
    assert "\n" not in str(error.value)
    rows = surrogate.conditions.dataset({"dipole": np.array([np.nan, 2.0])})
    with pytest.raises(SchemaError, match="^dipole: 2 asked"):
        surrogate.sample(rows, seed=1)


def test_any_subset_can_be_asked(surrogate):
    for asked in ({}, {"log_p": 1.0}, {"molecular_weight": 120.0, "qed": 0.5}):
        found = surrogate.sample(5, seed=1, **asked)
        assert all(np.isfinite(found[name].values).all() == (name in asked) for name in ("log_p", "qed", "gap"))
        assert len(texts(found)) == 5


def test_the_network_is_told_what_a_molecule_comes_to(surrogate):
    whole = ["CCCCCCCCO", "NCCCCCCCCCCCN", "CCCCCl"]
    network, codec = surrogate.model.network, surrogate.codec
    tokens = shifted(torch.from_numpy(codec.vocabulary.encode(whole, codec.length)), START)
    found, _ = network.estimate(*simple_tokens(tokens, network.parts))
    scores = found[:, -1, : len(DESCRIPTORS)].double()
    estimated = scores * codec.spread[: len(DESCRIPTORS)] + codec.centre[: len(DESCRIPTORS)]
    error = np.abs(estimated.numpy() - describe(whole)) / codec.spread[: len(DESCRIPTORS)].numpy()
    assert error.mean() < 0.2, error


def test_the_network_has_learned_chains(surrogate):
    from surrogates.physics.molecules.descriptors import canonical

    written = texts(surrogate.sample(300, seed=2))
    assert [canonical(text) for text in written] == written
    assert np.mean(["1" in text for text in written]) < 0.1  # the library has none
    light, heavy = (
        np.mean([len(text) for text in texts(surrogate.sample(200, seed=2, molecular_weight=weight))])
        for weight in (70.0, 200.0)
    )
    assert heavy > light + 1.0


def test_contradictions_are_refused_with_the_nearest(surrogate):
    with pytest.raises(SchemaError, match=r"infeasible together; expected .* the nearest known has"):
        replace(surrogate, extrapolate=True).sample(2, seed=1, qed=0.93, molecular_weight=500.0)


def test_a_prefix_begins_every_molecule(surrogate):
    from rdkit import Chem

    found = surrogate.using(prefix="c1ccccc1").sample(20, seed=3)
    benzene = Chem.MolFromSmiles("c1ccccc1")
    molecules = [Chem.MolFromSmiles(text) for text in texts(found)]
    assert all(molecule.HasSubstructMatch(benzene) for molecule in molecules)
    opened = surrogate.using(prefix="c1ccc(").sample(20, seed=3)
    rings = [Chem.MolFromSmiles(text) for text in texts(opened)]
    assert all(molecule.HasSubstructMatch(Chem.MolFromSmarts("[R]~[R]~[R]~[R]")) for molecule in rings)
    assert found.attrs["sampler_prefix"] == "c1ccccc1"
    assert texts(surrogate.using(prefix="").sample(20, seed=3)) == texts(surrogate.sample(20, seed=3))


def test_the_nearest_of_several_is_kept(surrogate):
    names = ("log_p", "molecular_weight")
    asked = {"log_p": np.array([0.5, np.nan, 1.5, 1.0]), "molecular_weight": np.array([90.0, np.nan, 110.0, np.nan])}
    rows = surrogate.conditions.dataset(asked)
    once, best = (surrogate.using(best_of=k).sample(rows, seed=2) for k in (1, 8))
    assert texts(once) == texts(surrogate.sample(rows, seed=2))
    wanted = np.stack([asked[name] for name in names], axis=1)
    missed = [np.nansum(((describe(texts(found), names) - wanted) / [1.0, 20.0]) ** 2) for found in (once, best)]
    assert missed[1] < 0.5 * missed[0]
    assert texts(best)[1] == texts(once)[1]  # of what nothing was asked there is no nearest
    assert texts(surrogate.using(best_of=8).sample(rows.isel(sample=slice(2, 4)), seed=2)) == texts(best)[2:]
    with pytest.raises(SchemaError, match="best_of: 0; expected a whole number from 1 to 1000"):
        surrogate.using(best_of=0)


def test_a_scaffold_grows(plugin):
    from rdkit import Chem

    pyridine = Chem.MolFromSmiles("Cc1ccncc1")
    found = surrogates.load("molecules", model="qm9").using(prefix="Cc1ccncc1").sample(64, seed=3)
    grown = [Chem.MolFromSmiles(text) for text in texts(found)]
    assert np.mean([molecule.HasSubstructMatch(pyridine) for molecule in grown]) > 0.9
    assert np.mean([molecule.GetNumAtoms() for molecule in grown]) > pyridine.GetNumAtoms() + 0.5


def test_molecules_keep_within_their_atoms_and_close_what_they_open(surrogate):
    from rdkit import Chem

    found = texts(surrogate.using(max_atoms=6).sample(60, seed=4))
    molecules = [Chem.MolFromSmiles(text) for text in found]
    assert all(molecule is not None and molecule.GetNumAtoms() <= 6 for molecule in molecules)
    assert max(molecule.GetNumAtoms() for molecule in molecules) == 6
    begun = surrogate.using(max_atoms=6, prefix="CC(C1C").sample(10, seed=4)
    opened = [Chem.MolFromSmiles(text) for text in texts(begun)]
    assert all(molecule.GetRingInfo().NumRings() and molecule.GetNumAtoms() <= 6 for molecule in opened)


def test_bfloat16_writes_nearly_the_same_molecules(surrogate):
    plain, reduced = (texts(surrogate.using(precision=kind).sample(100, seed=5)) for kind in ("float32", "bfloat16"))
    assert np.mean([a[:1] == b[:1] for a, b in zip(plain, reduced, strict=True)]) > 0.9
    assert abs(np.mean([len(a) - len(b) for a, b in zip(plain, reduced, strict=True)])) < 2.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefix": "C[Si]"}, "prefix: 'C.Si.' has the token '.Si.'"),
        ({"prefix": "Cx"}, "prefix: .*no token at character 1"),
        ({"prefix": 5}, "prefix: 5; expected a SMILES"),
        ({"max_atoms": "3"}, "max_atoms: '3'"),
        ({"asked_temperature": 0.0}, "asked_temperature: 0.0; expected 0.001 to 1000"),
        ({"temperature": float("inf")}, "temperature: inf; expected"),
        ({"guidance": "2"}, "guidance: '2'; expected a number"),
        ({"prefix": "C" * 80}, "has 80 tokens; expected under 80"),
        ({"prefix": "CF("}, "prefix: 'CF.' begins no molecule"),
        ({"prefix": "c1ccccc1", "max_atoms": 5}, "max_atoms: 5; expected 6 or more with prefix 'c1ccccc1'"),
        ({"max_atoms": -1}, "max_atoms: -1"),
        ({"max_atoms": 2.5}, "max_atoms: 2.5"),
        ({"precision": "float8"}, "precision: 'float8'; expected float32 or bfloat16"),
        ({"temprature": 1.0}, "temperature"),
    ],
)
def test_bad_sampler_options_are_named(surrogate, options, message):
    with pytest.raises(SchemaError, match=message):
        surrogate.using(**options)


def test_where_nothing_is_asked_pressing_for_it_changes_nothing(surrogate):
    pressed, plain = surrogate.using(guidance=3.0, asked_temperature=0.3), surrogate.using(guidance=1.0)
    assert texts(pressed.sample(30, seed=7)) == texts(plain.sample(30, seed=7))
    rows = {"log_p": [1.0] * 15 + [float("nan")] * 15}
    mixed = texts(pressed.sample(30, seed=7, **rows))
    assert mixed[15:] == texts(plain.sample(30, seed=7))[15:]
    assert mixed[:15] != texts(plain.sample(30, seed=7, **rows))[:15]


def test_sampler_options_are_those_of_any_sequence_and_more():
    assert MoleculeSampler(temperature=0.5).temperature == 0.5
    with pytest.raises(ValueError, match="temperature"):
        MoleculeSampler(temperature=0.0)


SETTINGS = {"truth_samples": 20, "samples": 130, "measured_samples": 120}
RELEASED = (
    "follow_schema", "samples_are_deterministic", "conditions_matter", "equal_bits", "stream", "empty_sample",
    "out_of_range", "unseen", "extrapolation", "card_recomputed", "altered", "bad_inputs", "round_trip",
)  # fmt: skip


@pytest.mark.slow
def test_the_released_weights_keep_the_contract(released):
    short, folder = released
    run = 0
    for check in checks(short, weights=folder, **SETTINGS):
        if any(part in check.name for part in RELEASED) and "spawned" not in check.name:
            check()
            run += 1
    assert run > 15
