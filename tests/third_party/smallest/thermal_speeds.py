"""thermal-speeds: molecules of nitrogen that meet a wall, at a temperature (Maxwell 1860): the smallest plugin."""

from functools import partial

import numpy as np
from torch import nn

from surrogates.contract.plugin import Plugin
from surrogates.contract.recipe import Adam, Phase, Recipe
from surrogates.contract.schema import Schema, Variable
from surrogates.measuring.distances import Worst, wasserstein_distance
from surrogates.measuring.figures import Figure, Figures
from surrogates.models.coupling import SplineCoupling
from surrogates.models.encodings import QuantileCodec
from surrogates.noise import draws

SPEED = 17.23  # m/s at 1 K: the root of k_B / m of N2
CONDITIONS = Schema((Variable("temperature", "temperature of the gas", "K", bounds=(100.0, 1000.0)),))
OUTPUTS = Schema((Variable("along", "speed along a wall", "m/s"), Variable("across", "speed across it", "m/s")))


class Gas:
    conditions, outputs = CONDITIONS, OUTPUTS

    def sample(self, conditions, *, seed):
        samples, root = conditions["sample"].values, np.sqrt(conditions["temperature"].values)
        x, y, z = SPEED * root * draws(seed, samples).normal((3,), "velocity").T
        return OUTPUTS.dataset({"along": np.hypot(x, y), "across": np.abs(z)}, samples).merge(conditions)


class Flow(nn.Module):
    ships = ("flow",)

    def __init__(self, codec):
        super().__init__()
        self.flow = SplineCoupling(2, context=1, hidden=8, couplings=2, bins=8)

    def sample(self, conditions, noise):
        return {"values": self.flow.sample(conditions["context"], noise.uniform((2,), "speeds"))}


def likelihood(model, batch):
    yield "flow", -model.flow.log_prob(batch.encoded["values"], batch.conditions["context"])


def scaled(data):
    return np.stack([data[name] for name in OUTPUTS.names]).T / np.sqrt(data["temperature"].values)[:, None]


STEPS = Phase(likelihood, 300, {"flow": Adam(1e-2)}, average=0.98)
RECIPE = Recipe(lambda folder: (PLUGIN.truth(20_000, 1),), Flow, (STEPS,), batch_size=1000)
PLUGIN = Plugin(
    name="thermal-speeds",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    reference=Gas,
    codec=partial(QuantileCodec, CONDITIONS, OUTPUTS),
    recipes={"flow": RECIPE},
    measure=Figures((Figure("speeds_w1", scaled, Worst(wasserstein_distance), n=10_000, floors=2.0),)),
)
