"""A surrogate is called as its simulator is, and a sample depends on (seed, identity, conditions) alone."""

import dataclasses
from dataclasses import dataclass, replace

import astropy.units as u
import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import surrogates
from surrogates import registry
from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.contract.plugin import Plugin
from surrogates.contract.recipe import Recipe
from surrogates.contract.schema import Dimension, Limit, Schema, Variable
from surrogates.release.cards import Card
from surrogates.release.weights import save_release
from surrogates.sampling.batches import packed
from surrogates.sampling.parallel import sample_parallel, stream_parallel
from surrogates.sampling.surrogate import Surrogate

MUONS = {"muon_momentum": "3.094 GeV", "polarisation": -0.9}


@pytest.fixture(scope="module")
def surrogate():
    return surrogates.load("muon-decay", threads=1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**40), 2**40), max_size=60), st.integers(1, 17), st.integers(1, 3))
def test_packing_gives_each_sample_its_slot_once(samples, part, parts):
    batch = part * parts
    samples = np.array(samples, dtype=np.int64)
    done = np.zeros(len(samples), dtype=int)
    batches = 0
    for rows, slots, targets in packed(samples, batch, part if parts > 1 else None):
        batches += 1
        rows, slots, targets = (np.arange(max(len(samples), batch))[index] for index in (rows, slots, targets))
        last = int(slots.max()) // part + 1
        assert len(rows) == (last * part if parts > 1 else batch)
        assert (
            np.array_equal(samples[targets] % part, slots % part)
            if parts > 1
            else (samples[targets] % batch == slots).all()
        )
        assert np.array_equal(rows[slots], targets)
        done[targets] += 1
    assert (done == 1).all()
    slots = samples % (part if parts > 1 else batch)
    fullest = np.bincount(slots).max() if len(samples) else 0
    assert batches <= -(-fullest // parts) if parts > 1 else batches == fullest


def test_a_whole_range_is_packed_without_copies():
    batches = list(packed(np.arange(64, 64 + 40), 16))
    assert [type(rows) for rows, _, _ in batches] == [slice, slice, np.ndarray]
    assert batches[1][2] == slice(16, 32)


def test_one_sample_takes_one_part_wherever_it_stands():
    (batch,) = packed(np.array([1023]), 1024, 32)
    assert len(batch[0]) == 32


def test_the_call_is_that_of_the_reference(surrogate):
    ours = surrogate.sample(5, seed=1, **MUONS)
    theirs = surrogates.reference("muon-decay").sample(5, seed=1, **MUONS)
    assert list(ours.variables) == list(theirs.variables)
    for name in ours.variables:
        assert ours[name].dims == theirs[name].dims
        assert ours[name].dtype == theirs[name].dtype
        assert ours[name].attrs == theirs[name].attrs
    assert isinstance(surrogate, surrogates.Simulator)
    assert isinstance(surrogates.reference("muon-decay"), surrogates.Simulator)


@pytest.mark.parametrize("momentum", [3.0, "3 GeV", "3000 MeV", 3 * u.GeV, np.full(6, 3.0), ["3 GeV"] * 6])
def test_every_spelling_gives_the_same_samples(surrogate, momentum):
    expected = surrogate.sample(6, seed=2, muon_momentum=3.0)
    xr.testing.assert_equal(surrogate.sample(6, seed=2, muon_momentum=momentum), expected)


def test_rows_of_conditions_give_the_same_samples(surrogate):
    whole = surrogate.sample(40, seed=2, **MUONS)
    rows = whole[["polarisation", "muon_momentum"]].isel(sample=[33, 2, 17])
    xr.testing.assert_equal(surrogate.sample(rows, seed=2), whole.isel(sample=[33, 2, 17]))


@settings(max_examples=6, deadline=None)
@given(first=st.integers(0, 3000), n=st.integers(0, 2500), block=st.integers(300, 3000))
def test_a_stream_is_the_sample_cut_in_blocks(surrogate, first, n, block):
    blocks = list(surrogate.stream(n, seed=3, first=first, block=block, **MUONS))
    assert max(b.sizes["sample"] for b in blocks) <= block
    whole = surrogate.sample(n, seed=3, first=first, **MUONS)
    xr.testing.assert_equal(xr.concat(blocks, dim="sample", data_vars="all"), whole)
    np.testing.assert_array_equal(whole["sample"], np.arange(first, first + n))


def test_any_subset_in_any_order_has_equal_bits(surrogate):
    whole = surrogate.sample(5000, seed=4, **MUONS)
    index = np.random.default_rng(0).permutation(5000)[:1700]
    rows = whole[["muon_momentum", "polarisation"]].isel(sample=index)
    xr.testing.assert_equal(surrogate.sample(rows, seed=4), whole.isel(sample=index))


def test_what_a_file_must_tell_stands_in_the_attributes(surrogate):
    attrs = surrogate.sample(3, seed=5, **MUONS).attrs
    assert attrs["plugin"] == "muon-decay" and attrs["recipe"] == "flow" and attrs["seed"] == 5
    assert attrs["weights_sha256"] == surrogate.card.sha256
    assert attrs["batch_size"] == surrogate.batch == 1024
    assert attrs["torch_build"] == torch.__version__ and attrs["device"] == "cpu" and attrs["threads"] == 1
    assert attrs["instruction_set"] == torch.backends.cpu.get_cpu_capability()
    assert attrs["surrogates_version"] == surrogates.__version__
    assert 0 <= attrs["residual_mass_shell"] < 1e-12
    assert attrs == surrogate.sample(3, seed=5, **MUONS).attrs


def test_residuals_are_those_of_the_samples(surrogate):
    samples = surrogate.sample(100, seed=6, **MUONS)
    outputs = {name: torch.tensor(samples[name].values) for name in surrogate.outputs.names}
    (law,) = surrogate.plugin.constraints
    assert samples.attrs["residual_mass_shell"] == float(law.residual(outputs, {}).abs().max())


def narrow(surrogate, **settings):
    card = replace(surrogate.card, trained_range={"muon_momentum": (1.0, 5.0)})
    return replace(surrogate, card=card, **settings)


def test_beyond_the_trained_range_is_an_error_that_says_the_way_out(surrogate):
    narrowed = narrow(surrogate)
    assert narrowed.conditions["muon_momentum"].bounds == (1.0, 5.0)
    with pytest.raises(SchemaError, match="^muon_momentum: 7 GeV is out of range; expected 1 to 5 GeV.*fallback="):
        narrowed.sample(2, seed=1, muon_momentum=7)
    with pytest.raises(SchemaError, match="^muon_momentum: 12 GeV is out of range; expected 1 to 5 GeV$"):
        narrowed.sample(2, seed=1, muon_momentum=12)


def test_a_fallback_simulates_exactly_the_samples_outside(surrogate):
    reference = surrogates.reference("muon-decay")
    momenta = np.array([0.5, 2.0, 4.9, 5.1, 9.0, 3.0])
    found = narrow(surrogate, fallback=reference).sample(6, seed=8, muon_momentum=momenta)
    outside = np.array([True, False, False, True, True, False])
    np.testing.assert_array_equal(found["source"], np.where(outside, 1, 0))
    assert found["source"].attrs["flag_meanings"] == "surrogate reference extrapolated"
    ours = surrogate.sample(6, seed=8, muon_momentum=momenta)
    theirs = reference.sample(6, seed=8, muon_momentum=momenta)
    for name in surrogate.outputs.names:
        np.testing.assert_array_equal(found[name], np.where(outside, theirs[name], ours[name]))
    with pytest.raises(SchemaError, match="^muon_momentum: 12 GeV"):
        narrow(surrogate, fallback=reference).sample(1, seed=8, muon_momentum=12)


def test_extrapolation_is_allowed_and_marked(surrogate):
    found = narrow(surrogate, extrapolate=True).sample(3, seed=8, muon_momentum=[2.0, 7.0, 12.0])
    np.testing.assert_array_equal(found["source"], [0, 2, 2])
    with pytest.raises(SchemaError, match="^muon_momentum: nan"):
        narrow(surrogate, extrapolate=True).sample(1, seed=8, muon_momentum=np.nan)
    assert "source" not in surrogate.sample(1, seed=8, muon_momentum=2.0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"n_or_conditions": -1}, "^n: -1"),
        ({"n_or_conditions": "many"}, "^n: 'many'"),
        ({"n_or_conditions": 1, "seed": "lucky"}, "^seed: 'lucky'"),
        ({"n_or_conditions": 1, "first": 0.5}, "^first: 0.5"),
        ({"n_or_conditions": xr.Dataset({"muon_momentum": ("row", [1.0])})}, "no `sample` dimension"),
        (
            {"n_or_conditions": xr.Dataset({"muon_momentum": ("sample", [1.0])}, {"sample": ["a"]})},
            "^sample: identities",
        ),
    ],
)
def test_wrong_calls_are_named(surrogate, call, said):
    given_conditions = MUONS if isinstance(call["n_or_conditions"], int) else {}
    with pytest.raises(SchemaError, match=said):
        surrogate.sample(**{"seed": 1, **given_conditions, **call})


def test_a_stream_refuses_before_it_computes(surrogate):
    with pytest.raises(SchemaError, match="^muon_momentum: 11 GeV"):
        surrogate.stream(10**9, seed=1, muon_momentum="11 GeV")
    with pytest.raises(SchemaError, match="^block: 0"):
        surrogate.stream(10, seed=1, block=0, **MUONS)


def test_a_long_stream_needs_little_memory(surrogate):
    stream = surrogate.stream(10**12, seed=1, block=1024, **MUONS)
    assert next(stream).sizes["sample"] == 1024
    assert int(next(stream)["sample"][0]) == 1024


def test_processes_give_the_samples_of_one(surrogate):
    alone = surrogate.sample(5000, seed=9, first=100, **MUONS)
    together = sample_parallel(surrogate, 5000, seed=9, workers=2, first=100, **MUONS)
    xr.testing.assert_identical(together, alone)


def test_workers_are_checked_before_any_starts(surrogate):
    with pytest.raises(SchemaError, match="^workers: 0"):
        next(stream_parallel(surrogate, 5, seed=1, workers=0, **MUONS))
    with pytest.raises(SchemaError, match="^muon_momentum: 11 GeV"):
        next(stream_parallel(surrogate, 5, seed=1, workers=2, muon_momentum=11))


def test_repr_evaluates_back(surrogate):
    again = eval(repr(surrogate), {"surrogates": surrogates})
    assert repr(again) == repr(surrogate) == "surrogates.load('muon-decay', model='flow')"


def test_a_surrogate_is_immutable(surrogate):
    with pytest.raises(dataclasses.FrozenInstanceError):
        surrogate.threads = 4


@dataclass(frozen=True)
class Steps:
    """Sampler options."""

    steps: int = 4
    temperature: float = 1.0


class Walk(nn.Module):
    """A cloud of points, by a sum of random steps towards an image that conditions it."""

    ships = ("scale",)

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Linear(1, 1)
        self.options = Steps()

    def sample(self, conditions, noise):
        """Points, and how many of them count."""
        walk = sum(noise.normal((4,), "step", k) for k in range(self.options.steps)) * self.options.temperature
        return {
            "x": walk + conditions["image"].mean(dim=(1, 2))[:, None],
            "n": noise.choice(torch.zeros(len(noise), 5), "n"),
        }


class Plain(nn.Module):
    """A codec that changes no number."""

    def fit(self, pools):
        """Nothing."""

    def encode(self, physical):
        """As it is."""
        return physical

    def decode(self, encoded, conditions):
        """Padded with zeros; a finer image."""
        kept = torch.arange(4) < encoded["n"][:, None]
        fine = conditions["image"].repeat_interleave(2, 1).repeat_interleave(2, 2)
        return {"n": encoded["n"], "x": torch.where(kept, encoded["x"], 0.0), "fine": fine}


IMAGE = Schema(
    (
        Variable("image", "coarse image", dims=("y", "x_pixel"), bounds=(0.0, 1.0)),
        Variable("age", "age of the subject", "yr", optional=True),
    ),
    (Dimension("y"), Dimension("x_pixel")),
)
POINTS = Schema(
    (
        Variable("n", "number of points", dtype="int64"),
        Variable("x", "position", "mm", dims=("point",), dtype="float32"),
        Variable("fine", "fine image", dims=("y_fine", "x_fine"), dtype="float32"),
    ),
    (
        Dimension("point", size=4, count="n"),
        Dimension("y_fine", of="y", scale=2),
        Dimension("x_fine", of="x_pixel", scale=2),
    ),
)


@pytest.fixture
def walk(tmp_path):
    """A surrogate whose condition is a field, with ragged outputs, sampler options and batches of 8."""
    recipe = Recipe(lambda folder: (), lambda codec: Walk(), (), batch_size=8, sample_batch=8)
    plugin = Plugin(
        name="walk", conditions=IMAGE, outputs=POINTS, codec=Plain, recipes={"walk": recipe}, constraints=(),
        measure=lambda samples, truth, training=None: {}, targets={},
        figure=lambda *sides: None, truth=lambda n, seed: xr.Dataset(),
        limits=(Limit(("age",), lambda v: ~(v["age"] > 150), "an age of at most 150 yr"),),
    )  # fmt: skip
    save_release(Walk(), Plain(), Card("walk", "walk"), tmp_path / "walk.safetensors")
    return Surrogate.open(plugin, folder=tmp_path)


def images(n: int) -> xr.Dataset:
    values = np.random.default_rng(0).random((n, 3, 2))
    return xr.Dataset({"image": (("sample", "y", "x_pixel"), values)}, coords={"sample": np.arange(n)})


def test_a_field_conditions_samples_row_by_row(walk):
    whole = walk.sample(images(21), seed=1)
    assert whole["fine"].shape == (21, 6, 4) and whole["x"].dtype == np.float32
    np.testing.assert_array_equal(whole["fine"][:, ::2, ::2], images(21)["image"].values.astype("float32"))
    part = walk.sample(images(21).isel(sample=[20, 4, 12, 3]), seed=1)
    xr.testing.assert_equal(part, whole.isel(sample=[20, 4, 12, 3]))
    xr.testing.assert_equal(xr.concat(list(walk.stream(images(21), seed=1, block=5)), "sample", data_vars="all"), whole)


def test_a_condition_that_was_not_asked_is_missing_not_refused(walk):
    assert np.isnan(walk.sample(images(3), seed=1)["age"]).all()


def filled_by_identity(schema: Schema, conditions: xr.Dataset, seed: int) -> xr.Dataset:
    """Ages that were not asked: the identity, and the seed's tenth, inside the schema's bounds."""
    drawn = conditions["sample"].values + seed / 10
    age = conditions["age"]
    bounds = schema["age"].bounds or (-np.inf, np.inf)
    return conditions.assign(age=age.copy(data=np.where(np.isnan(age), np.clip(drawn, *bounds), age.values)))


@dataclass(frozen=True)
class Echo:
    """A reference that gives back the ages it was asked for as positions."""

    conditions: Schema = IMAGE
    outputs: Schema = POINTS

    def sample(self, conditions: xr.Dataset, *, seed: int) -> xr.Dataset:
        assert not np.isnan(conditions["age"]).any()
        n = conditions.sizes["sample"]
        image = conditions["image"].values.repeat(2, 1).repeat(2, 2)
        outputs = {"n": np.full(n, 4), "x": np.repeat(conditions["age"].values[:, None], 4, 1), "fine": image}
        return conditions.merge(POINTS.dataset(outputs, conditions["sample"].values))


@pytest.fixture
def completing(walk):
    """The same surrogate, whose plugin fills ages that were not asked and has a reference."""
    plugin = replace(walk.plugin, complete=filled_by_identity, reference=Echo)
    return replace(walk, plugin=plugin)


def test_what_was_not_asked_is_completed_before_anything_runs(completing):
    asked = images(9).assign(age=("sample", [np.nan, 30.0] + 7 * [np.nan]))
    ages = [0.4, 30.0, 2.4, 3.4, 4.4, 5.4, 6.4, 7.4, 8.4]
    whole = completing.sample(asked, seed=4)
    np.testing.assert_allclose(whole["age"], ages)
    part = completing.sample(asked.isel(sample=[7, 1, 4]), seed=4)
    xr.testing.assert_equal(part, whole.isel(sample=[7, 1, 4]))
    blocks = list(completing.stream(asked, seed=4, block=4))
    xr.testing.assert_equal(xr.concat(blocks, "sample", data_vars="all"), whole)
    assert completing.sample(asked.isel(sample=slice(0, 0)), seed=4).sizes["sample"] == 0
    simulated = surrogates.ReferenceSimulator.open(completing.plugin)
    np.testing.assert_allclose(simulated.sample(asked, seed=4)["age"], ages)
    np.testing.assert_allclose(simulated.sample(asked, seed=4)["x"][:, 0], ages)
    streamed = [block["age"].values for block in simulated.stream(asked, seed=4, block=2)]
    np.testing.assert_allclose(np.concatenate(streamed), ages)


def test_completed_conditions_keep_the_trained_range_and_the_limits(completing):
    plugin = replace(completing.plugin, conditions=Schema((IMAGE["image"], replace(IMAGE["age"], bounds=(0.0, 900.0))),
                     IMAGE.dimensions))  # fmt: skip
    trained = replace(completing, plugin=plugin, card=replace(completing.card, trained_range={"age": (10.0, 50.0)}))
    asked = images(60).isel(sample=[3, 20, 59])
    np.testing.assert_allclose(trained.sample(asked, seed=4)["age"], [10.0, 20.4, 50.0])
    routed = replace(trained, fallback=surrogates.ReferenceSimulator.open(plugin))
    beyond = routed.sample(asked.assign(age=("sample", [np.nan, 60.0, np.nan])), seed=4)
    np.testing.assert_array_equal(beyond["source"], [0, 1, 0])
    np.testing.assert_allclose(beyond["age"], [10.0, 60.0, 50.0])
    with pytest.raises(SchemaError, match="^age = 152.4: infeasible; expected an age of at most 150 yr"):
        completing.sample(images(152).isel(sample=[151]), seed=14)


def test_nan_by_name_is_refused_and_leaving_out_is_not(walk):
    image = images(2)["image"].values
    with pytest.raises(SchemaError, match="^age: nan is not finite; expected any finite value, or leave it out"):
        walk.sample(2, seed=1, image=image, age=np.nan)
    assert np.isnan(walk.sample(2, seed=1, image=image)["age"]).all()
    np.testing.assert_array_equal(walk.sample(2, seed=1, image=image, age=[np.nan, 3.0])["age"], [np.nan, 3.0])


def test_a_field_out_of_range_and_an_infeasible_row_are_named(walk):
    bright = images(3)
    bright["image"][1, 2, 1] = 1.5
    with pytest.raises(SchemaError, match="^image: 1.5 is out of range in row 1; expected 0 to 1"):
        walk.sample(bright, seed=1)
    with pytest.raises(SchemaError, match="^age = 200: infeasible"):
        walk.sample(images(3).assign(age=("sample", [20.0, 200.0, np.nan])), seed=1)


def test_sampler_options_are_set_on_a_copy_and_written_down(walk):
    faster = walk.using(steps=1, temperature=0.5)
    assert faster.sample(images(2), seed=1).attrs["sampler_steps"] == 1
    assert walk.sample(images(2), seed=1).attrs["sampler_steps"] == 4
    assert not np.array_equal(faster.sample(images(9), seed=1)["x"], walk.sample(images(9), seed=1)["x"])
    with pytest.raises(
        SchemaError, match="^step: no sampler option of walk/walk; expected steps, temperature .did you mean"
    ):
        walk.using(step=3)


def test_a_codec_that_breaks_its_schema_is_named(walk):
    class Short(Plain):
        def decode(self, encoded, conditions):
            return {**super().decode(encoded, conditions), "x": torch.zeros(8, 3)}

    with pytest.raises(SurrogatesError, match=r"^x: walk's codec decodes \(3,\); its schema says \(4,\) a sample"):
        replace(walk, codec=Short()).sample(images(2), seed=1)


def test_a_reference_streams_in_blocks_and_refuses_what_it_must():
    reference = surrogates.reference("muon-decay")
    whole = reference.sample(50, seed=2, first=7, **MUONS)
    xr.testing.assert_equal(xr.concat(list(reference.stream(50, seed=2, first=7, block=20, **MUONS)), "sample"), whole)
    assert reference.sample(0, seed=2, **MUONS).sizes["sample"] == 0
    assert whole.attrs["recipe"] == "reference" and whole.attrs["plugin"] == "muon-decay"
    assert repr(reference) == "surrogates.reference('muon-decay')"
    with pytest.raises(SchemaError, match="^muon_momentum: 11 GeV"):
        reference.sample(1, seed=2, muon_momentum=11)
    assert registry.plugin("muon-decay") is reference.plugin
