"""Health records: the challenge's traps, levels and laws, who may be on which side, and what betrays copies."""

from functools import partial

import numpy as np
import pytest
import torch

from surrogates.contract.errors import SchemaError
from surrogates.plugins.health_records.attacks import nearest_neighbour_attack
from surrogates.plugins.health_records.codec import RecordCodec
from surrogates.plugins.health_records.demographics import complete, prior
from surrogates.plugins.health_records.impostors import bootstrap, copula_by_outcome, noisy_bootstrap
from surrogates.plugins.health_records.levels import LEVELS
from surrogates.plugins.health_records.network import J, RecordModel, learn
from surrogates.plugins.health_records.physionet import COLUMNS, challenge_training, read_challenge, split
from surrogates.plugins.health_records.plugin import PLUGIN
from surrogates.plugins.health_records.public import PublicRecordCodec
from surrogates.plugins.health_records.tables import flat
from surrogates.plugins.health_records.variables import BINS, CONDITIONS, NAMES, OUTPUTS

torch.set_num_threads(1)
NAMED = (*CONDITIONS.names, *OUTPUTS.names)


def tensors(data):
    return {
        name: torch.tensor(data[name].values, dtype=torch.float64 if data[name].dtype.kind == "f" else torch.int64)
        for name in NAMED
    }


@pytest.fixture(scope="module")
def truth():
    return PLUGIN.truth(700, 1)


@pytest.fixture
def challenge(tmp_path, truth):
    """A file of the challenge's layout, of simulated stays, with its traps."""

    def write(**changed):
        n = 300
        columns = {old: truth[new].values[:n].copy() for old, new in COLUMNS.items()}
        about = {
            "record_id": 1000.0 + np.arange(n),
            "age": np.floor(truth["age"].values[:n]),
            "gender": truth["sex"].values[:n].astype(float),
            "height": np.nan_to_num(truth["height"].values[:n], nan=-1.0),
            "icu_type": np.where(np.arange(n) < n // 2, np.nan, truth["unit"].values[:n] + 1.0),
            "weight": np.nan_to_num(truth["body_weight"].values[:n], nan=-1.0),
            "in_hospital_death": truth["outcome"].values[:n].astype(float),
        }
        for name, (row, value) in changed.items():
            (columns if name in columns else about)[name][row] = value
        path = tmp_path / "stays.npz"
        np.savez(
            path,
            temporal=np.stack(list(columns.values()), axis=-1).astype(np.float32),
            static=np.stack(list(about.values()), axis=-1),
            temporal_names=np.array(list(columns)),
            static_names=np.array(list(about)),
        )
        return path

    return write


def test_codes_and_impossible_values_count_as_missing(challenge):
    path = challenge(age=(0, 200.0), gender=(1, -1.0), weight=(2, -1.0), height=(3, 13.0), Temp=((4, 5), 2.2))
    stays = read_challenge(path)
    assert np.isnan(stays["age"].values[0]) and stays["sex"].values[1] == -1
    assert np.isnan(stays["body_weight"].values[2]) and np.isnan(stays["height"].values[3])
    assert np.isnan(stays["temperature"].values[4, 5])
    assert set(stays["unit"].values[:150]) == {-1}, "the unit of set A is not asked, never a level"


def test_a_systolic_pressure_below_the_mean_one_is_dropped(challenge):
    stays = read_challenge(challenge(MAP=((7, 3), 120.0), SysABP=((7, 3), 90.0)))
    assert stays["mean_arterial_pressure"].values[7, 3] == 120.0
    assert np.isnan(stays["systolic_arterial_pressure"].values[7, 3])


def test_a_stay_that_stands_in_the_file_twice_is_named(challenge):
    with pytest.raises(SchemaError, match="stay 1003 .* twice"):
        read_challenge(challenge(record_id=(9, 1003.0)))


def test_other_files_are_named(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.arange(3))
    with pytest.raises(SchemaError, match="temporal"):
        read_challenge(tmp_path / "other.npz")


def test_no_patient_is_on_both_sides_of_a_split(challenge):
    stays = read_challenge(challenge())
    training, evaluation = split(stays)
    assert not set(training["sample"].values) & set(evaluation["sample"].values)
    assert len(training["sample"]) + len(evaluation["sample"]) == 300
    twice = stays.assign_coords(sample=np.where(np.arange(300) == 5, 1000, stays["sample"].values))
    with pytest.raises(SchemaError, match="twice"):
        split(twice)


def test_a_column_that_is_never_measured_stays_so(truth):
    codec = RecordCodec()
    empty = truth.assign(platelets=truth["platelets"] * np.nan)
    codec.fit([tensors(empty)])
    encoded = codec.encode(tensors(empty))
    assert (encoded["level"][..., NAMES.index("platelets")] == 0).all()
    decoded = codec.decode(encoded, {})
    assert decoded["platelets"].isnan().all()


def test_values_beyond_those_of_training_are_taken_for_the_outermost(truth):
    codec = RecordCodec()
    codec.fit([tensors(truth)])
    far = truth.assign(glucose=truth["glucose"].where(truth["glucose"] < 150.0, 1900.0))
    decoded = codec.decode(codec.encode(tensors(far)), {})["glucose"].numpy()
    assert np.nanmax(decoded) == np.nanmax(truth["glucose"].values)


@pytest.mark.parametrize("kind", [RecordCodec, PublicRecordCodec])
def test_laws_hold_whatever_the_levels(truth, kind):
    codec = kind()
    codec.fit([tensors(truth)])
    generator = torch.Generator().manual_seed(1)
    n = 500
    encoded = {
        "level": torch.randint(0, LEVELS + 1, (n, BINS, J), generator=generator),
        "place": torch.rand((n, BINS, J), generator=generator),
        "stature": torch.randint(0, LEVELS + 1, (n, 2), generator=generator),
        "stature_place": torch.rand((n, 2), generator=generator),
        "outcome": torch.randint(0, 2, (n,), generator=generator),
    }
    outputs = codec.decode(encoded, {})
    for law in PLUGIN.constraints:
        assert float(law.residual(outputs, {}).max()) == 0.0, law.name
    for k, name in enumerate(NAMES):
        assert torch.equal(outputs[name].isnan(), encoded["level"][..., k] == 0)


def test_public_levels_look_at_no_data(truth):
    first, second = PublicRecordCodec(), PublicRecordCodec()
    first.fit([tensors(truth)])
    second.fit([tensors(truth.isel(sample=slice(0, 7)))])
    for name, buffer in first.state_dict().items():
        assert torch.equal(buffer, second.state_dict()[name]), name


def test_what_is_drawn_has_the_probability_that_is_learned(truth):
    """A network of one update draws levels whose frequencies its own likelihood gives."""
    from surrogates.contract.recipe import Batch
    from surrogates.noise import Noise

    codec = RecordCodec()
    codec.fit([tensors(truth)])
    encoded = codec.encode(tensors(truth.isel(sample=slice(0, 250))))
    torch.manual_seed(0)
    model = RecordModel(24, 24, 0.0)
    adam = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(12):
        ((_, loss),) = learn(model, Batch(encoded, encoded, Noise(0, torch.arange(1)), 0))
        adam.zero_grad()
        loss.mean().backward()
        adam.step()
    with torch.no_grad():
        n = 250
        asked = {name: encoded[name][:n] for name in CONDITIONS.names}
        drawn = model.sample(asked, Noise(3, torch.arange(n)))
        own = model.network.log_probability(drawn, asked)
        again = model.network.log_probability(model.sample(asked, Noise(4, torch.arange(n))), asked)
        shuffled = {**drawn, "level": drawn["level"][:, torch.randperm(BINS)]}
        other = model.network.log_probability(shuffled, asked)
    assert abs(float(own.mean() - again.mean())) < 4.0 * float(own.std()) * (2 / n) ** 0.5
    assert float(other.mean()) < float(own.mean())


def test_conditions_left_out_are_drawn_given_the_others():
    n = 4000
    asked = prior(CONDITIONS, n, 1)
    asked["unit"][:] = -1
    asked["age"][:] = 30.0
    filled = complete(CONDITIONS, asked, 2)
    assert (filled["age"].values == 30.0).all()
    share = np.bincount(filled["unit"].values, minlength=4) / n
    assert share[3] > 0.5 > share[0], "the young are in surgical units, hardly in coronary care"


def test_copies_of_training_stays_are_betrayed_and_new_stays_are_not(truth):
    training, others, new = PLUGIN.truth(2000, 11), truth, PLUGIN.truth(2000, 12)
    attack = partial(nearest_neighbour_attack, members=flat(training), others=flat(others))
    assert attack(flat(bootstrap(training, 2000, 1))) > 0.5
    assert attack(flat(noisy_bootstrap(training, 2000, 1))) > 0.3
    assert attack(flat(new)) < 0.03


def test_each_cheap_fake_fails_a_figure(truth):
    training, truth = PLUGIN.truth(700, 21), truth.isel(sample=slice(0, 700))
    fakes = {
        "copula": copula_by_outcome(training, 1),
        "bootstrap": bootstrap(training, 700, 1),
        "noisy bootstrap": noisy_bootstrap(training, 700, 1),
    }
    floors = PLUGIN.measure(PLUGIN.truth(700, 22), truth, training)
    for name, fake in fakes.items():
        found = PLUGIN.measure(fake, truth, training)
        missed = [
            figure
            for figure, value in found.items()
            if (limit := PLUGIN.targets[figure]).at_most is not None
            and value > limit.at_most
            or limit.floors is not None
            and value > 3.0 * floors[figure]
        ]
        assert missed, f"{name} passes"


def test_a_private_recipe_is_one_private_phase_with_public_levels():
    recipe = PLUGIN.recipes["private"].using(epsilon="1", delta="1e-6")
    assert recipe.options.epsilon == 1.0 and len(recipe.phases) == 1
    assert recipe.phases[0].privacy.delta == 1e-6
    assert isinstance(recipe.codec(), PublicRecordCodec)


def test_a_recipe_learns_from_the_challenge_and_samples(challenge, tmp_path):
    from surrogates.training.train import train, trained

    run = tmp_path / "run"
    train(
        PLUGIN, "physionet", run, data=challenge(), updates=2, device="cpu", progress=False,
        options={"width": 16, "hidden": 16},
    )  # fmt: skip
    model, codec = trained(PLUGIN, "physionet", run)
    assert len(challenge_training(challenge(), tmp_path)[0]["sample"]) == 225
    assert sum(p.numel() for p in model.parameters()) < 100_000 and isinstance(codec, RecordCodec)


def test_a_cohort_too_small_for_the_epsilon_is_refused():
    pytest.importorskip("opacus")
    small = {"epsilon": 0.01, "batch_size": 100, "width": 8, "hidden": 8}
    recipe = PLUGIN.recipes["private"].using(**small)
    (phase,) = recipe.phases
    with pytest.raises(SchemaError, match=r"epsilon.*or more"):
        phase.privacy.noise_multiplier(100 / 225, phase.updates, 225)
    with pytest.raises(SchemaError, match=r"delta"):
        PLUGIN.recipes["private"].using(delta=0.2).phases[0].privacy.noise_multiplier(0.4, 10, 225)


def test_a_cohort_as_two_tables_has_a_row_a_patient_and_a_row_a_measurement(truth, tmp_path):
    import csv

    from surrogates.io.atomic import OutputError
    from surrogates.plugins.health_records.tidy import write_pair

    few = truth.isel(sample=slice(0, 40))
    paths = write_pair(few, tmp_path)
    patients, measurements = (list(csv.DictReader(path.open(encoding="utf-8"))) for path in paths)
    assert len(patients) == 40
    assert len(measurements) == sum(int(np.isfinite(few[name].values).sum()) for name in NAMES)
    row = next(r for r in measurements if r["sign"] == "glucose")
    place = int((float(row["hour"]) - 2.0) / 4.0)
    assert float(row["value"]) == pytest.approx(few["glucose"].values[int(row["patient"]), place], rel=1e-5)
    known = np.isfinite(few["height"].values)
    assert [bool(p["height"]) for p in patients] == known.tolist()
    with pytest.raises(OutputError):
        write_pair(few, tmp_path)
