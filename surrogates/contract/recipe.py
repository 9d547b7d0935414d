"""How one model of a plugin is trained: codec, model, phases and batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import PluginError, SchemaError, SurrogatesError, nearest

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from ..noise import Noise
    from .schema import Schema

    Tensors = dict[str, Tensor]


class Codec(Protocol):
    """Physical values (schema units, float64) to encoded ones and back; an `nn.Module` whose buffers are fitted."""

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Set scales and vocabularies from the training pools."""
        ...

    def encode(self, physical: Tensors) -> Tensors:
        """Encode whichever variables are there."""
        ...

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Decode to float64 outputs that lie on the constraint surface."""
        ...


class Model(Protocol):
    """A generator of encoded outputs.

    Attributes
    ----------
    ships : tuple of str
        The submodules that `sample` needs.
    options : frozen dataclass instance, optional
        The sampler's settings, which `Surrogate.using` replaces; a model without any need not have it.
    """

    ships: tuple[str, ...]

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw encoded outputs for encoded conditions."""
        ...


def sampler_options(model: Any) -> dict[str, Any]:
    """The sampler options of a model by name, see `Model.options`; none where it has none."""
    options = getattr(model, "options", None)
    return {item.name: getattr(options, item.name) for item in fields(options)} if is_dataclass(options) else {}


@dataclass(frozen=True)
class Batch:
    """One training batch: encoded outputs, encoded conditions, the step's noise and number.

    With several pools (unpaired data), `encoded` and `conditions` hold pool k under the key prefix ``"k/"``. Scalars
    that the steps put into `notes` go to the training log; it warns by `separation`, the share of pairs that a
    discriminator ranks rightly, and `distinct`, the share of distinct samples in units of the data's.
    """

    encoded: Tensors
    conditions: Tensors
    noise: Noise
    step: int
    notes: Tensors = field(default_factory=dict)


@dataclass(frozen=True)
class Adam:
    """Adam's settings for one submodule, gradient clipping and learning-rate schedule included."""

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float = 1.0
    warmup: int = 100
    final_fraction: float = 0.02  # cosine decay to this fraction of the learning rate at the phase's end


@dataclass(frozen=True)
class Muon(Adam):
    """Muon for the matrices of a submodule's hidden layers, Adam by the same schedule for all else.

    The momentum of a matrix is made orthogonal before it is added: Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon; scaled to the size of Adam's updates as in Liu et al. 2025,
    arXiv:2502.16982.

    Attributes
    ----------
    matrices : float
        Learning rate of the matrices.
    inside : str
        Name within the submodule of what holds them.
    """

    matrices: float = 3e-3
    inside: str = "layers"


@dataclass(frozen=True)
class Privacy:
    """What makes a phase private: gradients clipped a sample, Gaussian noise, batches by Poisson's law.

    Attributes
    ----------
    clip : float
        Largest norm of one sample's gradient.
    noise_multiplier : float or callable
        Standard deviation of the noise in units of `clip`; or (sampling rate, updates, samples) -> it, where an epsilon
        is asked.
    delta : float
        At which epsilon is stated; below one over the number of samples.
    """

    clip: float
    noise_multiplier: float | Callable[[float, int, int], float]
    delta: float


@dataclass(frozen=True)
class Phase:
    """A stage of training: pre-training, training or distillation.

    Attributes
    ----------
    steps : callable
        ``steps(model, batch)`` yields (submodule to update, one loss a sample); the loop steps it, then resumes.
    updates : int
        Number of batches.
    optimisers : mapping
        Adam settings by submodule name.
    start : callable, optional
        Runs once on the model before the phase, e.g. to copy a teacher.
    average : float
        Decay of the exponential moving average of the shipped submodules.
    privacy : Privacy, optional
        A private phase yields one loss a sample of one submodule, and refuses a scalar one.
    kept : float
        Share of the phase's change of the averaged weights that is kept at its end; below 1 the model lies between
        what it was before and after the phase (Wortsman et al. 2022, arXiv:2109.01903).
    """

    steps: Callable[[Any, Batch], Iterator[tuple[str, Tensor]]]
    updates: int
    optimisers: Mapping[str, Adam]
    start: Callable[[Any], None] | None = None
    average: float = 0.999
    privacy: Privacy | None = None
    kept: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """One way to train a plugin's generator.

    Attributes
    ----------
    data : callable
        Folder of ours -> training pools; several pools are unpaired and shuffled apart. What the folder lacks is
        simulated and kept in it, part by part, so that a killed run goes on. None: the recipe learns from users' data
        alone.
    model : callable
        Fitted codec -> the untrained model.
    phases : tuple of Phase
    batch_size : int
        Training batch size.
    sample_batch : int
        Slots of a sampling batch (the B of bit equality).
    sample_part : int, optional
        A divisor of `sample_batch`: a smaller request is computed in as few such parts as hold it, and the slots of
        bit equality are those of a part. For a model whose bits depend neither on how many parts a batch has nor on
        which of them a sample is in; 64 rows leave no remainder to torch's vector loops.
    codec : callable, optional
        Overrides the plugin's codec for this recipe.
    description : str
        One line for `surrogates info`.
    use : str
        What the released weights are good enough for and what not, in words; copied onto their card.
    baseline : bool
        A model of the literature, kept to be compared with.
    learns : callable, optional
        (a user's file or folder, a folder of ours) -> training pools: how `--data` is read. What takes long is kept in
        the second; nothing is ever written into the first. None: the recipe learns from what it simulates alone.
    layout : str
        What `learns` takes, in one line, for the help and for the error where there is something else.
    reads : tuple of str
        Suffixes of single files that `learns` reads beside folders.
    folders : bool
        Whether it reads folders at all.
    source : str
        What the training data are and their licence, for the card; where it is empty, that the recipe simulates them.
    alike : callable, optional
        A pool's encoded outputs -> (n,) numbers; rows of like numbers then share a batch, so that sequences of one
        length are not filled up to that of the longest.
    derives : tuple of str
        Optional conditions that training makes of the outputs themselves, so that no pool needs to have them.
    schema : callable, optional
        Training pools (Datasets) -> (conditions, outputs), where data say more than open labels and lengths: the
        columns of a table; see `surrogates.contract.found`.
    serves : tuple of str
        Further plugins whose recipe of this name the same weights serve (the other direction of a translation); they
        share the folder of weights.
    limited : mapping
        Bounds of conditions beyond which this recipe's model cannot draw, narrower than the plugin's; cards have them.
    options : dataclass instance, optional
        What `train --set NAME=VALUE` may change; see `configurable`.
    made_by : callable, optional
        Options -> Recipe.
    """

    data: Callable[[Path], tuple[xr.Dataset, ...]] | None
    model: Callable[[Any], Model]
    phases: tuple[Phase, ...]
    batch_size: int
    sample_batch: int = 1024
    sample_part: int | None = None
    codec: Callable[[], Codec] | None = None
    description: str = ""
    use: str = ""
    baseline: bool = False
    learns: Callable[[Path, Path], tuple[xr.Dataset, ...]] | None = None
    layout: str = ""
    reads: tuple[str, ...] = ()
    folders: bool = True
    source: str = ""
    alike: Callable[[Mapping[str, Tensor]], Tensor] | None = None
    derives: tuple[str, ...] = ()
    schema: Callable[[Sequence[xr.Dataset]], tuple[Schema, Schema]] | None = None
    serves: tuple[str, ...] = ()
    limited: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    options: Any = None
    made_by: Callable[[Any], Recipe] | None = None

    def __post_init__(self) -> None:
        if self.sample_part is not None and (self.sample_part < 1 or self.sample_batch % self.sample_part):
            raise PluginError(
                f"sample_part: {self.sample_part}; expected a divisor of sample_batch {self.sample_batch}"
            )

    @property
    def chosen(self) -> dict[str, Any]:
        """The options by name, as a card keeps them."""
        return {} if self.options is None else asdict(self.options)

    @property
    def updates(self) -> int:
        """Of all phases together."""
        return sum(phase.updates for phase in self.phases)

    def shortened(self, updates: int) -> Recipe:
        """The same with so many updates in all, shared among its phases as before, each of one at least."""
        share = updates / self.updates
        return replace(
            self, phases=tuple(replace(phase, updates=max(round(share * phase.updates), 1)) for phase in self.phases)
        )

    def using(self, **values: Any) -> Recipe:
        """The recipe with other options, numbers and texts read as what they are by default.

        Raises
        ------
        SchemaError
            No such option, or not with this value.
        """
        if not values:
            return self
        known = self.chosen
        for name in values:
            if name not in known:
                expected = ", ".join(known) or "none: the recipe has no options"
                raise SchemaError.about(name, "no option of this recipe", expected, hint=nearest(name, known))
        typed = {name: _typed(name, value, known[name]) for name, value in values.items()}
        assert self.made_by is not None
        try:
            return configurable(self.made_by, replace(self.options, **typed))
        except (TypeError, ValueError) as error:
            if isinstance(error, SurrogatesError):
                raise
            raise SchemaError(f"options {typed}: {error}", value=typed) from None


def configurable(make: Callable[[Any], Recipe], options: Any) -> Recipe:
    """A recipe whose options the user may change: the width of a network, the number of updates, an epsilon.

    Parameters
    ----------
    make : callable
        Options -> Recipe.
    options : frozen dataclass instance
        The defaults; fields are numbers, truth values, texts, or tuples of one of them. A ValueError of its
        ``__post_init__`` is the user's error.

    >>> recipes = {"gan": configurable(gan, GanOptions(width=32, updates=20_000))}
    """
    return replace(make(options), options=options, made_by=make)


def _typed(name: str, value: Any, default: Any) -> Any:
    """`value`, perhaps typed as text, as what `default` is; raises SchemaError."""
    if isinstance(default, tuple):
        parts = value.split(",") if isinstance(value, str) else value
        one = default[0] if default else ""
        return tuple(_typed(name, part, one) for part in parts)
    text = str(value).strip()
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise SchemaError.about(name, repr(text), "true or false", value=value)
        return text.lower() == "true"
    if isinstance(default, int):
        try:
            return int(text.replace("_", ""))
        except ValueError:
            raise SchemaError.about(
                name, f"{text!r} is not a whole number", f"one, as {default}", value=value
            ) from None
    if isinstance(default, float):
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SchemaError.about(name, f"{text!r} is not a finite number", f"one, as {default}", value=value)
        return number
    return text
