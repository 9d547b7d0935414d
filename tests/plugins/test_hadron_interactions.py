"""hadron-interactions: balances and closing, the chain's states, records of UrQMD, HepMC3, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

import surrogates
from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.physics.hadrons import beams, laws, species
from surrogates.physics.hadrons.closing import closed
from surrogates.physics.hadrons.observables import family, feynman_x, summary
from surrogates.plugins.hadron_interactions import training_data, urqmd
from surrogates.plugins.hadron_interactions.codec import InteractionCodec
from surrogates.plugins.hadron_interactions.network import InteractionModel, known_states, remaining
from surrogates.plugins.hadron_interactions.plugin import PLUGIN
from surrogates.plugins.hadron_interactions.states import features, first_state
from surrogates.plugins.hadron_interactions.variables import CONDITIONS


def asked(n: int, seed: int = 3) -> dict[str, torch.Tensor]:
    conditions = PLUGIN.prior(CONDITIONS, n, seed)
    return {name: torch.as_tensor(conditions[name].values) for name in CONDITIONS.names}


@pytest.mark.parametrize(
    ("balance", "mass", "count"),
    [
        ((0, 0, 0), 0.0, 0),
        ((1, 1, 0), 0.938, 1),
        ((-1, 0, -1), 0.494, 1),
        ((0, 2, -1), 2.054, 2),
        ((20, 40, 0), 37.52, 40),
    ],
)
def test_the_least_mass_of_a_balance(balance, mass, count):
    tables = tuple(torch.as_tensor(table) for table in species.least())
    found = species.demand(tables, torch.tensor([balance]))
    assert float(found[0]) == pytest.approx(mass) and int(found[1]) == count


def test_no_set_of_particles_closes_a_balance_beyond_the_tables():
    tables = tuple(torch.as_tensor(table) for table in species.least())
    assert torch.isinf(species.demand(tables, torch.tensor([[0, 0, 40]]))[0])


def test_conserved_numbers_of_codes():
    ids = np.array([2212, -2112, 211, 321, -321, 310, 3122, -3312, 3334, 4122, 421, 431, 1_000_080_150, 0])
    baryon, strange = species.conserved(ids)
    assert baryon.tolist() == [1, -1, 0, 0, 0, 0, 1, -1, 1, 1, 0, 0, 15, 0]
    assert strange.tolist() == [0, 0, 0, 1, -1, 0, -1, 2, -3, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("spread", [0.01, 1.0])
def test_closing_meets_four_momentum_and_mass_shell(spread):
    generator = torch.Generator().manual_seed(1)
    n, k = 200, 12
    mass = torch.as_tensor(species.MASS)[torch.randint(0, 10, (n, k), generator=generator)]
    real = torch.arange(k) < torch.randint(2, k + 1, (n, 1), generator=generator)
    px, py, y = (torch.randn((n, k), generator=generator, dtype=torch.float64) * spread for _ in range(3))
    energy = torch.exp(torch.rand(n, generator=generator, dtype=torch.float64) * 5.0 + 5.3)
    total = torch.stack((0.1 + 0 * energy, -0.2 + 0 * energy, energy - 3.0, energy + 2.0), -1)
    px, py, pz, e = closed(mass, px, py, 3.0 + 2.0 * y, real, total)
    for found, wanted in zip((px, py, pz, e), total.T, strict=True):
        assert float(((found.sum(1) - wanted).abs() / energy).max()) < 1e-12
    shell = torch.sqrt(px**2 + py**2 + pz**2 + mass**2)[real]
    assert float(((e[real] - shell) / shell).abs().max()) < 1e-12 and not e[~real].any()


def test_closing_leaves_particles_that_conserve_where_they_are():
    generator = torch.Generator().manual_seed(2)
    mass, real = torch.full((50, 6), 0.138, dtype=torch.float64), torch.ones((50, 6), dtype=torch.bool)
    px, py, y = (torch.randn((50, 6), generator=generator, dtype=torch.float64) for _ in range(3))
    mt = torch.sqrt(mass**2 + px**2 + py**2)
    total = torch.stack((px.sum(1), py.sum(1), (mt * torch.sinh(y)).sum(1), (mt * torch.cosh(y)).sum(1)), -1)
    found = closed(mass, px, py, y, real, total)
    assert torch.allclose(found[2], mt * torch.sinh(y), atol=1e-8) and torch.allclose(found[0], px, atol=1e-12)


def test_laws_hold_however_little_was_learned():
    torch.manual_seed(0)
    model, conditions = InteractionModel(), asked(256)
    with torch.no_grad():
        encoded = model.sample(conditions, surrogates.noise.Noise(1, torch.arange(256)))
    record = InteractionCodec().decode(encoded, conditions)
    for law in PLUGIN.constraints:
        assert float(law.residual(record, conditions).abs().max()) <= law.tolerance, law.name


def test_states_while_sampling_are_those_of_training():
    torch.manual_seed(0)
    model, conditions = InteractionModel(), asked(64)
    with torch.no_grad():
        drawn = model.sample(conditions, surrogates.noise.Noise(1, torch.arange(64)))
    kinds = drawn["species"]
    mt2 = model.masses[kinds.clamp(min=0)] ** 2 + drawn["px"] ** 2 + drawn["py"] ** 2
    drawn["minus"] = torch.where(kinds >= 0, mt2 / drawn["plus"].clamp(min=1e-9), 0.0)
    row, slot = torch.nonzero(kinds >= 0, as_tuple=True)
    known = features(known_states(drawn, model.numbers, row, slot))
    drawn["balance"] = (model.numbers[kinds.clamp(min=0)] * (kinds >= 0)[..., None]).sum(1)
    drawn["total"] = torch.stack((drawn["plus"].sum(1), drawn["minus"].sum(1)), -1)
    state = first_state(drawn)
    compared = 0
    for step in range(kinds.shape[1]):
        here = (slot == step).nonzero()[:, 0]
        seen = features(state)[row[here]]
        near = (seen - known[here]).abs() < 2e-2
        compared += int(near.all(-1).sum())
        momentum = (drawn["plus"][:, step], drawn["px"][:, step], drawn["py"][:, step])
        model._take(state, kinds[:, step].clamp(min=0), momentum)
    assert compared >= 0.97 * len(row)  # the rest are sums that differ by rounding where nothing is left


def test_what_is_left_beside_the_remnant_is_what_the_laws_say():
    conditions = asked(20)
    projectile, target = conditions["projectile"].long(), conditions["target"].long()
    left = torch.as_tensor(beams.TARGET_A)[target] - 1
    pt, pz = torch.zeros(20, dtype=torch.float64), torch.full((20,), 0.1, dtype=torch.float64)
    found = remaining(projectile, target, conditions["energy"], left, pt, pz)
    total = beams.total_momentum(projectile.numpy(), conditions["energy"].numpy(), target.numpy())
    energy = total[:, 3] - beams.BOUND_ENERGY[target] * left.numpy()
    assert np.allclose(found[:, 0], energy + total[:, 2] - 0.1, rtol=1e-12)
    assert np.allclose(found[:, 1], energy - total[:, 2] + 0.1, atol=1e-8)


def part() -> dict[str, np.ndarray]:
    """Two interactions as the reference keeps them: p p -> p K+ Lambda pi0, and pi+ O -> pi+ pi0 p + 15 nucleons."""
    pdg_id = np.array([2212, 321, 3122, 111, 211, 111, 2212, 1_000_070_150])
    momenta = np.array(
        [
            [0.1, 0, 50],
            [-0.2, 0.1, 20],
            [0, -0.1, 5],
            [0.1, 0, 1],
            [0, 0.3, 80],
            [0.1, 0, 3],
            [0, -0.2, -0.3],
            [0, 0.1, 0.1],
        ]
    )
    mass = np.array([0.938, 0.494, 1.116, 0.138, 0.138, 0.138, 0.938, 13.95])
    charge = np.array([1, 1, 0, 0, 1, 0, 1, 7])
    energy = np.sqrt((momentum := momenta.T)[0] ** 2 + momentum[1] ** 2 + momentum[2] ** 2 + mass**2)
    columns = {"pdg_id": pdg_id, "charge": charge, "mass": mass, "E": energy}
    columns |= {name: momenta[:, k] for k, name in enumerate(("px", "py", "pz"))}
    asked = {"projectile": np.array([0, 2]), "energy": np.array([76.0, 83.0]), "target": np.array([0, 2])}
    return asked | columns | {"count": np.array([4, 4])}


def test_chains_run_by_falling_rapidity_beside_the_remnant():
    found = training_data.chains(part())
    assert found["particles"].tolist() == [4, 3] and found["struck"].tolist() == [1, 1]
    assert found["struck_protons"].tolist() == [1, 1] and found["remnant_pt"][1] == pytest.approx(0.1)
    first = [species.IDS[i] for i in found["species"][1][:3]]
    assert first == [211, 111, 2212] and found["species"][1][3] == -1
    assert found["px"][1].sum() == pytest.approx(0.1 * 0.0 + 0.1, abs=1e-12)  # 0.3 - 0.2 along the remnant's direction
    rapidity = np.log(found["plus"][0] / found["minus"][0])
    assert (np.diff(rapidity) < 0).all()


def test_neutral_kaons_take_the_strangeness_that_is_missing():
    ids = np.array([310, 130, 3122, 321])
    found = training_data._with_strangeness(ids, np.zeros(4, int), np.array([0]))
    assert sorted(found[:2].tolist()) == [-311, 311]


def test_spectators_become_one_entry_and_struck_nucleons_stay():
    energy = np.array([30.0, beams.BOUND_ENERGY[2], beams.BOUND_ENERGY[2], 0.95])
    columns = {
        "pdg_id": np.array([2212, 2112, 2212, 2112]),
        "charge": np.array([1, 0, 1, 0]),
        "px": np.array([0.0, 0.1, -0.2, 0.1]),
        "py": np.zeros(4),
        "pz": np.array([29.9, 0.1, 0.0, 0.1]),
        "E": energy,
        "mass": np.array([0.938, 0.9, 0.9, 0.938]),
    }
    found = urqmd._with_remnant(columns, 2)
    assert found["pdg_id"].tolist() == [2212, 2112, 1_000_010_020] and found["px"][-1] == pytest.approx(-0.1)
    assert urqmd._with_remnant(columns, 0)["count"].tolist() == [4]  # a proton leaves nothing


def test_an_interaction_produces_something():
    assert not urqmd._produces(np.array([2212, 2112, 2212]), 0)
    assert not urqmd._produces(np.array([211, 2112]), 2)
    assert urqmd._produces(np.array([111, 2112]), 2) and urqmd._produces(np.array([211, 111, 2212]), 2)


def test_observables_of_a_known_interaction():
    ids = np.array([[2212, 211, 111, 1_000_070_150, 0]])
    record = {
        "pdg_id": ids,
        "charge": np.array([[1, 1, 0, 7, 0]]),
        "E": np.array([[60.0, 30.0, 10.0, 13.9, 0.0]]),
        "pz": np.array([[59.9, 29.9, 9.9, 0.0, 0.0]]),
        "px": np.array([[0.3, 0.0, 0.0, 0.0, 0.0]]),
        "py": np.array([[0.4, 0.1, 0.0, 0.0, 0.0]]),
        "energy": np.array([100.0]),
        "projectile": np.array([0]),
    }
    found = {name: values.item() for name, values in summary(record).items()}
    assert found["charged"] == 2 and found["neutral"] == 1 and found["left"] == 15
    assert found["elasticity"] == 0.6 and found["leading"] == 2 and found["leading_pt"] == pytest.approx(0.5)
    assert found["neutral_energy"] == 0.1 and found["pion_energy"] == 0.3
    assert family(ids).tolist() == [[2, 0, 3, -1, -1]]
    whole = feynman_x(np.array([[np.sqrt(100.0**2 - 0.938**2)]]), np.array([[100.0]]), np.array([0]), np.array([100.0]))
    assert whole[0, 0] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"target": "U"}, "target"),
        ({"projectile": "e-"}, "projectile"),
        ({"energy": 0.938}, "energy"),
        ({"energy": "20 TeV"}, "energy"),
        ({"energy": "30 GeV/c2 m"}, "energy"),
    ],
)
def test_what_no_model_holds_is_refused_in_one_line(values, named):
    surrogate = surrogates.load("hadron-interactions")
    with pytest.raises(SchemaError, match=named) as caught:
        surrogate.sample(1, seed=1, **({"projectile": "p", "energy": 100.0, "target": "O"} | values))
    assert "\n" not in str(caught.value)


def test_the_surrogate_needs_no_chromo():
    code = (
        "import sys; sys.modules['chromo'] = None\n"
        "import surrogates\n"
        "surrogate = surrogates.load('hadron-interactions')\n"
        "found = surrogate.sample(3, seed=1, projectile='pi+', energy='1 TeV', target='N')\n"
        "assert (found['E'].sum('particle') > 1000).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pyhepmc_reads_beam_target_and_what_they_make(tmp_path):
    pyhepmc = pytest.importorskip("pyhepmc", reason="pyhepmc reads the file; pip install 'surrogates[formats]'")
    found = surrogates.load("hadron-interactions").sample(20, seed=4, energy=1000.0, target="Fe", projectile="K-")
    (kind,) = PLUGIN.formats
    kind.write([found], tmp_path / "a.hepmc3")
    with pyhepmc.open(str(tmp_path / "a.hepmc3")) as file:
        events = list(file)
    assert len(events) == 20
    for row, event in enumerate(events):
        before = [p for p in event.particles if p.status == 4]
        after = [p for p in event.particles if p.status == 1]
        assert [p.pid for p in before] == [-321, 1_000_260_560] and len(event.vertices) == 1
        assert [p.pid for p in after] == found["pdg_id"].values[row][: len(after)].tolist()
        for name in ("px", "py", "pz", "e"):
            difference = sum(getattr(p.momentum, name) for p in after) - sum(getattr(p.momentum, name) for p in before)
            assert abs(difference) < 1e-6
    again = next(kind.read(tmp_path / "a.hepmc3"))
    for name in ("pdg_id", "charge", "px", "E", "mass", "energy", "projectile", "target", "n_particles"):
        assert np.array_equal(again[name].values, found[name].values), name


def test_the_reference_says_what_is_missing_where_chromo_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "chromo", None)
    reference = surrogates.reference("hadron-interactions")
    with pytest.raises(SurrogatesError, match="surrogates\\[hadrons\\]"):
        reference.sample(1, seed=1, projectile="p", energy=100.0, target="p")


@pytest.fixture(scope="module")
def simulated():
    pytest.importorskip("chromo", reason="the reference is UrQMD in chromo; pip install 'surrogates[hadrons]'")
    return PLUGIN.truth(40, 7)


def test_records_of_the_reference_keep_every_law(simulated):
    conditions = {name: torch.as_tensor(simulated[name].values) for name in CONDITIONS.names}
    outputs = {name: torch.as_tensor(simulated[name].values) for name in PLUGIN.outputs.names}
    for law in PLUGIN.constraints:
        assert float(law.residual(outputs, conditions).abs().max()) <= law.tolerance, law.name
    assert (laws.charge({**outputs, "charge": outputs["charge"] * 0}, conditions) != 0).any()


def test_a_row_of_the_reference_is_its_own(simulated):
    rows = [31, 4, 17]
    again = PLUGIN.reference().sample(PLUGIN.prior(CONDITIONS, 40, 7).isel(sample=rows), seed=7)
    for name in PLUGIN.outputs.names:
        assert np.array_equal(again[name].values, simulated[name].values[rows]), name


def test_a_generator_that_stopped_is_started_again(simulated):
    conditions = PLUGIN.prior(CONDITIONS, 40, 7).isel(sample=[0, 1, 2, 3])
    running = urqmd.generator("UrQMD34", False)
    running._process.kill()
    running._process.wait()
    again = PLUGIN.reference().sample(conditions, seed=7)
    assert np.array_equal(again["E"].values, simulated["E"].values[:4])
