"""What the tests of molecules share: small truths that are reduced once, and a generator trained in seconds."""

from dataclasses import replace

import pytest


@pytest.fixture(scope="session")
def plugin():
    pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")
    pytest.importorskip("fcd_torch", reason="the extra 'molecules' is not installed")
    from surrogates.plugins.molecules.plugin import PLUGIN

    return PLUGIN


@pytest.fixture(scope="session")
def truths(plugin):
    """Three hundred molecules of QM9, and three other hundreds, reduced; no gap or dipole is asked."""
    whole = plugin.truth(600, 5)
    whole = whole.assign({name: whole[name].where(False) for name in ("gap", "dipole")})
    return whole.isel(sample=slice(0, 300)), plugin.measure.reduce(whole.isel(sample=slice(300, 600)))


def small(plugin):
    """The plugin with a codec that is fitted and a network that trains in seconds."""
    from surrogates.plugins.molecules.codec import MoleculeCodec
    from surrogates.plugins.molecules.network import MoleculeModel
    from surrogates.plugins.molecules.recipes import MERGES

    recipe = plugin.recipes["zinc"]
    phase = replace(recipe.phases[0], updates=220, average=0.9)
    recipe = replace(
        recipe,
        phases=(phase,),
        codec=lambda: MoleculeCodec(merging=MERGES, estimates=True, slots=1024),
        model=lambda codec: MoleculeModel(codec, width=64, layers=1, heads=4),
        batch_size=32,
        sample_batch=64,
        sample_part=None,
    )
    return replace(plugin, recipes={"zinc": recipe})


@pytest.fixture(scope="session")
def short_plugin(plugin):
    return small(plugin)


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "chains.smi"
    chains = [left + "C" * length + right for length in range(1, 16) for left in "CNO" for right in ("O", "N", "Cl")]
    path.write_text("\n".join(chains))
    return path


@pytest.fixture(scope="session")
def released(plugin, library, tmp_path_factory):
    from surrogates.release.made import new_card
    from surrogates.release.weights import save_release
    from surrogates.training.train import train, trained

    short, folder = small(plugin), tmp_path_factory.mktemp("weights")
    run = tmp_path_factory.mktemp("run")
    train(short, "zinc", run, data=library, device="cpu", progress=False, figure=lambda model, codec: None)
    model, codec = trained(short, "zinc", run)
    card = new_card(short, "zinc", data=library, run=run, seed=0)
    save_release(model, codec, card, folder / "zinc.safetensors")
    return short, folder


@pytest.fixture(scope="session")
def surrogate(released):
    from surrogates.sampling.surrogate import Surrogate

    short, folder = released
    return Surrogate.open(short, folder=folder)
