"""How the generators of records are trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Privacy, Recipe, configurable
from ...noise import fold
from .cohort import own, reading
from .demographics import prior
from .physionet import SOURCE, challenge_training
from .reference import PatientSimulator
from .variables import CONDITIONS, OUTPUTS

if TYPE_CHECKING:
    import xarray as xr

    from .network import RecordModel

TRAINING_SEED = 1
LAYOUT = "an .npz of the PhysioNet/CinC Challenge 2012 in twelve bins (temporal, static, and their names)"

_learn = deferred("surrogates.plugins.health_records.network:learn")


@dataclass(frozen=True)
class Autoregressive:
    """Settings of the likelihood recipes."""

    stays: int = 60_000
    updates: int = 1_600
    width: int = 128
    hidden: int = 128
    dropout: float = 0.05
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4


@dataclass(frozen=True)
class Tables:
    """Settings of the recipe for tables of one's own.

    Attributes
    ----------
    schema : str
        A file that says what the columns are, as an earlier run wrote it; inferred where it is empty.
    """

    schema: str = ""
    updates: int = 700
    width: int = 128
    hidden: int = 128
    dropout: float = 0.25
    learning_rate: float = 3e-3
    weight_decay: float = 0.1


@dataclass(frozen=True)
class Private:
    """Settings of the private recipe; the noise follows from epsilon, delta, batch and updates."""

    epsilon: float = 3.0
    delta: float = 1e-5
    clip: float = 1.0
    batch_size: int = 512
    updates: int = 260
    width: int = 64
    hidden: int = 64
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        if not (self.epsilon > 0.0 and 0.0 < self.delta < 1.0 and self.clip > 0.0):
            raise ValueError("expected epsilon and clip above 0, and delta between 0 and 1")


def truth(n: int, seed: int) -> xr.Dataset:
    """Stays of the embedded simulator."""
    return PatientSimulator().sample(prior(CONDITIONS, n, fold(seed, "truth")), seed=seed)


def _simulated(folder: Path, *, stays: int) -> tuple[xr.Dataset, ...]:
    from ...training.simulated import kept

    def make(n: int, seed: int) -> dict[str, np.ndarray]:
        found = truth(n, seed)
        return {name: found[name].values for name in (*CONDITIONS.names, *OUTPUTS.names)}

    (arrays,) = kept(folder, [("stays", {"n": stays, "seed": TRAINING_SEED})], make, {"simulator": 1})
    data = OUTPUTS.dataset({name: arrays[name] for name in OUTPUTS.names})
    return (data.assign(CONDITIONS.labelled({name: arrays[name] for name in CONDITIONS.names})),)


def _model(codec: Codec, *, options: Autoregressive) -> RecordModel:
    from .network import RecordModel

    del codec
    return RecordModel(options.width, options.hidden, options.dropout)


def _likelihood(options: Autoregressive | Tables, **said) -> Recipe:
    adam = Adam(options.learning_rate, weight_decay=options.weight_decay, clip=20.0, warmup=200)
    return Recipe(
        phases=(Phase(_learn, options.updates, {"network": adam}, average=0.998),),
        batch_size=128,
        sample_batch=1024,
        sample_part=128,
        **said,
    )


def _autoregressive(options: Autoregressive) -> Recipe:
    return _likelihood(
        options,
        model=partial(_model, options=options),
        data=partial(_simulated, stays=options.stays),
        description="recurrent over bins, autoregressive over signs; learned from the embedded patient simulator",
        use=(
            "Cohorts of an imaginary hospital for teaching, software tests and methods: no real patient is behind "
            "them. Not for clinical conclusions of any kind."
        ),
    )


def _physionet(options: Autoregressive) -> Recipe:
    return _likelihood(
        options,
        model=partial(_model, options=options),
        data=None,
        learns=challenge_training,
        layout=LAYOUT,
        reads=(".npz",),
        folders=False,
        source=SOURCE,
        description="recurrent over bins, autoregressive over signs; learned from 4,500 stays of PhysioNet 2012",
        use=(
            "Cohorts that resemble the public PhysioNet 2012 stays, for methods and software. Learned without "
            "differential privacy: nothing is guaranteed about single stays. Not for clinical conclusions."
        ),
    )


def _table_model(codec: Codec, *, options: Tables) -> Any:
    from .cohort.network import TableModel

    return TableModel(codec, options.width, options.hidden, options.dropout)  # type: ignore[arg-type]


def _tables(options: Tables) -> Recipe:
    return _likelihood(
        options,
        model=partial(_table_model, options=options),
        data=None,
        learns=partial(reading.read, schema=options.schema),
        layout=reading.LAYOUT,
        reads=(".zip",),
        source="a pair of tables of one's own, one row a patient and one row a measurement",
        schema=reading.found,
        description="the autoregressive network for any pair of tables, whose columns it finds",
        use=(
            "Records with the columns of the tables that they were learned from. Learned without differential "
            "privacy: nothing is guaranteed about single patients. Not for clinical conclusions."
        ),
    )


_noise_for = deferred("surrogates.models.private:noise_for")


def _private(options: Private) -> Recipe:
    noise = partial(_noise_for, epsilon=options.epsilon, delta=options.delta)
    adam = Adam(options.learning_rate, clip=0.0, warmup=10, final_fraction=0.1)
    network = Autoregressive(width=options.width, hidden=options.hidden, dropout=0.0)
    return Recipe(
        data=None,
        codec=deferred("surrogates.plugins.health_records.public:PublicRecordCodec"),
        model=partial(_model, options=network),
        phases=(
            Phase(
                _learn,
                options.updates,
                {"network": adam},
                start=deferred("surrogates.plugins.health_records.public:begin_in_public"),
                average=0.95,
                privacy=Privacy(options.clip, noise, options.delta),
            ),
        ),
        batch_size=options.batch_size,
        sample_batch=1024,
        sample_part=128,
        learns=own.read_own,
        layout=f"{LAYOUT}, or {own.LAYOUT}",
        reads=(".npz", ".zip"),
        source=SOURCE,
        description="the autoregressive network, first taught by the simulator, then by PhysioNet 2012 in private",
        use=(
            "Where single stays must be protected by proof: a record more or less in the training data changes what "
            "can be seen by no more than epsilon says. Coarser than the other weights: see its figures. The unit is "
            "one stay, which is one patient in this challenge. Not counted: the clinical table and the simulator were "
            "set by hand by authors who had seen summaries of the same public stays, and so were these settings."
        ),
    )


def private() -> Recipe:
    """Learned from the challenge's stays with differential privacy: `--set epsilon=3 --set delta=1e-5`."""
    return configurable(_private, Private())


def autoregressive() -> Recipe:
    """The default: learned from the embedded simulator, which the reference runs forward."""
    return configurable(_autoregressive, Autoregressive())


@dataclass(frozen=True)
class Gan:
    """Settings of the literature's GAN."""

    stays: int = 20_000
    updates: int = 8_000
    width: int = 128
    learning_rate: float = 3e-4

    def __post_init__(self) -> None:
        if min(self.stays, self.updates, self.width) < 1:
            raise ValueError("stays, updates, width: expected 1 or more")


def _gan_model(codec: Codec, *, width: int) -> Any:
    from .gan import RecordGAN

    del codec
    return RecordGAN(width)


def _gan(options: Gan) -> Recipe:
    adam = Adam(options.learning_rate, betas=(0.5, 0.999), final_fraction=0.1)
    play = deferred("surrogates.plugins.health_records.gan:play")
    return Recipe(
        data=partial(_simulated, stays=options.stays),
        codec=deferred("surrogates.plugins.health_records.gan:GanCodec"),
        model=partial(_gan_model, width=options.width),
        phases=(Phase(play, options.updates, {"discriminator": adam, "generator": adam}, average=0.995),),
        batch_size=128,
        sample_batch=256,
        description="the literature's GAN: tanh values, softmax categories, recurrent head, LSTM discriminator",
        use="For comparison with the default: mortality learned from it is judged as well as from simulated stays "
        "(TSTR .99), and a classifier of whole tables tells every stay (AUC 1.00). Gaps, changes from bin to bin and "
        "relations between variables are 7 to 16 floors away.",
        baseline=True,
    )


def gan() -> Recipe:
    """The literature's GAN, learned from the embedded simulator."""
    return configurable(_gan, Gan())


def tables() -> Recipe:
    """Learned from any pair of tables: `--data FOLDER`."""
    return configurable(_tables, Tables())


def physionet() -> Recipe:
    """Learned from the public challenge's stays, of which the weights alone are packaged."""
    return configurable(_physionet, Autoregressive(stays=4_500, updates=700, dropout=0.25, weight_decay=0.1))
