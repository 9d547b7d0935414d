"""Molecules in SELFIES: the same molecule comes back, every sequence is one, and what cannot be written is told."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")
pytest.importorskip("selfies", reason="the extra 'molecules' is not installed")

from surrogates.contract.errors import SchemaError
from surrogates.physics.molecules.alphabet import LONGEST, SYMBOLS
from surrogates.physics.molecules.descriptors import canonical, describe
from surrogates.physics.molecules.symbols import SymbolVocabulary
from surrogates.physics.molecules.text import LENGTH
from surrogates.plugins.molecules.grammar import AtomFirst
from surrogates.plugins.molecules.library import LibraryError, to_dataset
from surrogates.plugins.molecules.measure import texts
from surrogates.plugins.molecules.packaged import qm9_smiles
from surrogates.plugins.molecules.selfies_writing import SelfiesSampler, alphabet, encodable

DRUGS = ("CC(=O)Oc1ccccc1C(=O)O", "CN1CCC[C@H]1c1cccnc1", "C/C=C/Cl", "C[NH+](C)CCS(=O)(=O)[O-]", "FC(F)(F)c1cc[nH]n1")
FORBIDDEN = "F[Cl](F)F"  # chlorine of three bonds


@pytest.fixture(scope="module")
def short(plugin):
    """The recipe with a network that trains in seconds."""
    from surrogates.plugins.molecules.codec import MoleculeCodec
    from surrogates.plugins.molecules.network import MoleculeModel

    def codec():
        return MoleculeCodec(vocabulary=alphabet(), length=LONGEST, estimates=True, slots=1024)

    recipe = plugin.recipes["selfies"]
    phase = replace(recipe.phases[0], updates=100, average=0.9)

    def model(codec):
        return MoleculeModel(codec, width=64, layers=1, heads=4, options=SelfiesSampler())

    return replace(
        plugin, recipes={"selfies": replace(recipe, phases=(phase,), codec=codec, model=model, batch_size=32)}
    )


@pytest.fixture(scope="module")
def surrogate(short, library, tmp_path_factory):
    from surrogates.release.made import new_card
    from surrogates.release.weights import save_release
    from surrogates.sampling.surrogate import Surrogate
    from surrogates.training.train import train, trained

    run, folder = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("weights")
    train(short, "selfies", run, data=library, device="cpu", progress=False, figure=lambda model, codec: None)
    card = new_card(short, "selfies", data=library, run=run, seed=0)
    save_release(*trained(short, "selfies", run), card, folder / "selfies.safetensors")
    return Surrogate.open(short, folder=folder)


def test_the_same_molecule_comes_back_canonical():
    smiles = [*qm9_smiles()[::2000], *(canonical(text) for text in DRUGS)]
    codes = alphabet().encode(smiles, LONGEST)
    assert (codes[:, -1] == 0).all() and alphabet().decode(codes) == smiles
    assert alphabet().decode(alphabet().encode(["OCC", "C1=CC=CC=C1"], LONGEST)) == ["CCO", "c1ccccc1"]


def test_the_codec_of_the_recipe_gives_the_same_molecules_and_properties(plugin, truths):
    import torch

    codec = plugin.recipes["selfies"].codec()
    some = truths[0].isel(sample=slice(0, 50))
    encoded = codec.encode({name: torch.as_tensor(some[name].values) for name in ("smiles", "qed")})
    decoded = codec.decode(encoded, {})
    np.testing.assert_array_equal(decoded["smiles"].numpy(), some["smiles"].values)
    np.testing.assert_array_equal(decoded["n_characters"].numpy(), some["n_characters"].values)
    assert encoded["tokens"].shape == (50, LONGEST) and encoded["context"].shape == (50, 14)


def test_the_alphabet_is_of_the_packaged_molecules_and_their_ring_sizes():
    from selfies.constants import INDEX_ALPHABET

    found = SymbolVocabulary.of(qm9_smiles()[::200])
    assert {*found.tokens[2:], *INDEX_ALPHABET} <= set(SYMBOLS)
    assert len(SYMBOLS) == len(set(SYMBOLS))


def test_any_sequence_that_begins_with_an_atom_is_a_molecule():
    import torch

    size, draws = len(alphabet()), np.random.default_rng(3)
    every = torch.arange(size)
    first = every[~AtomFirst(alphabet().tokens).refused(every, every)].numpy()
    codes = draws.integers(0, size, (400, LONGEST))
    codes[200:] += codes[200:] == 0  # long ones
    codes[:, 0] = draws.choice(first, 400)
    written = alphabet().decode(codes)
    assert max(map(len, written)) <= LENGTH and min(map(len, written)) > 0
    assert [canonical(text) for text in written] == written
    assert alphabet().decode(alphabet().encode(["", "C"], LONGEST)) == ["", "C"]


def test_what_cannot_be_written_is_named():
    obstacles = alphabet().obstacles([FORBIDDEN, "C[SiH3]", "C" * 200, "CCO"], LONGEST)
    assert obstacles == ["no SELFIES", "unsupported symbol [SiH3]", "200 symbols", ""]
    with pytest.raises(ValueError, match=r"'C\[SiH3\]' has unsupported symbol \[SiH3\]"):
        alphabet().encode(["CCO", "C[SiH3]"], LONGEST)


def test_molecules_without_selfies_are_left_out_and_counted_or_too_many():
    good = to_dataset(["C" * length for length in range(1, 31)], {})
    assert encodable(good, "good.smi") is good
    with pytest.warns(UserWarning, match=r"a.smi: 1 of 31 molecules cannot be written in SELFIES, first 'F\[Cl"):
        kept = encodable(to_dataset([*texts(good), FORBIDDEN], {}), "a.smi")
    assert texts(kept) == texts(good)
    with pytest.raises(LibraryError, match="1 of 2 molecules .* expected at most 5%"):
        encodable(to_dataset(["CC", FORBIDDEN], {}), "b.smi")


def test_constraints_set_elsewhere_change_nothing_here_and_are_left():
    import selfies

    looser = selfies.get_preset_constraints("hypervalent")
    selfies.set_semantic_constraints(looser)
    try:
        assert alphabet().obstacles([FORBIDDEN], LONGEST) == ["no SELFIES"]
        assert selfies.get_semantic_constraints() == looser
    finally:
        selfies.set_semantic_constraints()


def test_without_a_users_molecules_it_learns_qm9(plugin):
    assert plugin.recipes["selfies"].data is plugin.recipes["qm9"].data


@pytest.mark.slow
def test_every_molecule_written_is_valid(surrogate, library):
    found = surrogate.sample(300, seed=2)
    written = texts(found)
    assert np.isfinite(describe(written)[:, 0]).all()
    assert [canonical(text) for text in written] == written
    assert len(set(written)) > len({canonical(text) for text in library.read_text().split()}) / 2
    light, heavy = (
        np.mean([len(text) for text in texts(surrogate.sample(200, seed=2, molecular_weight=weight))])
        for weight in (70.0, 200.0)
    )
    assert heavy > light + 1.0


def test_a_scaffold_grows_and_atoms_are_limited_exactly(surrogate):
    from rdkit import Chem

    benzene = Chem.MolFromSmiles("c1ccccc1")
    grown = [Chem.MolFromSmiles(text) for text in texts(surrogate.using(prefix="Cc1ccccc1").sample(30, seed=3))]
    # the little generator never saw a ring: now and then it closes another within this one (see the next test)
    assert np.mean([molecule.HasSubstructMatch(benzene) for molecule in grown]) > 0.8
    assert max(molecule.GetNumAtoms() for molecule in grown) > benzene.GetNumAtoms() + 1
    few = [Chem.MolFromSmiles(text) for text in texts(surrogate.using(max_atoms=6).sample(60, seed=4))]
    assert max(molecule.GetNumAtoms() for molecule in few) == 6


def test_a_ring_closed_within_a_scaffold_changes_its_bonds():
    codes = alphabet().encode(["Cc1ccccc1"], LONGEST)
    end = int((codes[0] != 0).sum())
    codes[0, end : end + 2] = [alphabet().code[symbol] for symbol in ("[Ring1]", "[C]")]  # back to the atom before
    assert alphabet().decode(codes) == [canonical("CC1=CC=CC#C1")]


def test_a_cut_keeps_rings_that_close_and_the_prefix():
    codes = alphabet().encode(["c1ccccc1CCC", "CCCCO"], LONGEST)
    assert alphabet().decode(alphabet().within(codes, 6)) == ["c1ccccc1", "CCCCO"]
    assert alphabet().decode(alphabet().within(codes, 2, least=3)) == ["C=CC", "CCC"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefix": "C1CC"}, "prefix: 'C1CC' has no SELFIES; expected a whole molecule"),
        ({"prefix": "CC("}, "prefix: 'CC.' has no SELFIES"),
        ({"prefix": "C[SiH3]"}, "unsupported symbol"),
        ({"prefix": "C.C"}, "unsupported symbol"),
        ({"prefix": "C" * LONGEST}, f"has {LONGEST} symbols"),
        ({"max_atoms": -1}, "max_atoms: -1"),
    ],
)
def test_options_without_a_meaning_are_refused(surrogate, options, message):
    with pytest.raises(SchemaError, match=message):
        surrogate.using(**options)
