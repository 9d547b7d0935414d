"""The default model: a transformer over SMILES tokens within the valences, told any subset of the target properties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.errors import SurrogatesError
from ...contract.recipe import Batch
from ...models.autoregressive import (
    END,
    HIGHEST,
    LOWEST,
    Grammar,
    NextToken,
    Sampler,
    draw,
    negative_log_likelihood,
    shifted,
)
from ...networks.attention import TokenTransformer
from ...networks.running import RunningEstimate
from ...networks.stretches import FragmentEncoder, simple_tokens
from ...noise import Noise
from ...physics.molecules.kekule import started
from ...physics.molecules.syntax import FEATURES, OpenSyntax
from ...physics.molecules.tokens import Vocabulary, split
from ...physics.molecules.vocabulary import TOKENS, VOCABULARY, WRITTEN_OUT
from .choosing import Judge, nearest
from .codec import CONTEXT, ESTIMATED, START, STRETCH, WIDTH, MoleculeCodec
from .grammar import Valences
from .variables import PROPERTIES

Tensors = dict[str, Tensor]

UNCONDITIONAL = 0.15
"""Share of training molecules whose every property is hidden."""
WHOLE = 0.5
"""Share of training molecules whose every property is shown."""
HIDDEN = 0.5
"""Chance of each property of the others to be hidden."""
LATENT = 64
"""Dimensions of the latent point that a molecule may be asked to lie near."""
NEAR = 0.2
"""Share of training molecules whose latent point is shown."""
BLUR = 0.3
"""Standard deviation of what is added to each coordinate of the point, which is of the order of 1."""


PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class MoleculeSampler(Sampler):
    """How molecules are written.

    Attributes
    ----------
    guidance : float
        As in `Sampler`; without effect where nothing is asked.
    asked_temperature : float
        Divides the logits too where a property or a molecule to vary is asked: below 1 fewer molecules come, nearer to
        what was asked. With 1, and a guidance of 1, molecules come from the network's conditional distribution itself.
    prefix : str
        SMILES that every molecule is begun with: a scaffold, which grows from its last atom, or the start of one with
        open rings and branches. What is asked then says how the rest is written; what comes out is canonical, so that
        it may stand elsewhere in a molecule's SMILES.
    max_atoms : int
        Most heavy atoms; 0 for as many as come. Rings and branches are closed in time.
    precision : {"float32", "bfloat16"}
        Of the network; bfloat16 is faster where the processor computes it.
    """

    guidance: float = 1.5
    asked_temperature: float = 0.6
    prefix: str = ""
    max_atoms: int = 0
    precision: str = "float32"

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.max_atoms, bool) or not isinstance(self.max_atoms, int) or self.max_atoms < 0:
            raise ValueError(f"max_atoms: {self.max_atoms!r}; expected a number of atoms, or 0 for any")
        asked = self.asked_temperature
        if isinstance(asked, bool) or not isinstance(asked, int | float) or not LOWEST <= asked <= HIGHEST:
            raise ValueError(f"asked_temperature: {asked!r}; expected {LOWEST} to {HIGHEST:g}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision: {self.precision!r}; expected {' or '.join(PRECISIONS)}")
        if not isinstance(self.prefix, str):
            raise ValueError(f"prefix: {self.prefix!r}; expected a SMILES as text")
        self.check_prefix()

    def check_prefix(self) -> None:
        """Raise ValueError for a prefix that cannot be written, or has more atoms than there may be."""
        try:
            tokens = split(self.prefix)
        except ValueError as error:
            raise ValueError(f"prefix: {error}") from None
        foreign = [token for token in tokens if token not in VOCABULARY]
        if foreign:
            raise ValueError(f"prefix: {self.prefix!r} has the token {foreign[0]!r}, which no training molecule has")
        if len(tokens) >= TOKENS:
            raise ValueError(f"prefix: {self.prefix!r} has {len(tokens)} tokens; expected under {TOKENS}")
        try:
            text, begun = started(self.prefix)
        except ValueError as error:
            raise ValueError(f"prefix: {error}") from None
        if len(split(text)) >= WRITTEN_OUT:
            raise ValueError(f"prefix: {self.prefix!r} has too many aromatic atoms; shorten it")
        needed = begun.atoms + begun.completion().count("C")
        if 0 < self.max_atoms < needed:
            raise ValueError(f"max_atoms: {self.max_atoms}; expected {needed} or more with prefix {self.prefix!r}")

    def to_end(self) -> int:
        """Tokens that make a molecule of the prefix."""
        return max(len(started(self.prefix)[1].completion()), 1)

    def grammar(self, vocabulary: Vocabulary, count: int, length: int) -> Grammar:
        """What may come next in `count` sequences of at most `length` tokens."""
        return Valences(vocabulary, count, length, self.max_atoms)

    def finish(self, vocabulary: Vocabulary, tokens: Tensor, prefix: int) -> Tensor:
        """Tokens (n, m), of which `prefix` were given, as they are handed on."""
        return tokens


@dataclass(frozen=True)
class ChoosingSampler(MoleculeSampler):
    """How molecules are written, and of how many each is chosen.

    Attributes
    ----------
    best_of : int
        Molecules that are written for each one asked, of which the one is kept that comes nearest to the asked
        properties: RDKit's are computed, gap and dipole moment estimated by the network's own table of fragments.
    """

    best_of: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.best_of, bool) or not isinstance(self.best_of, int) or not 1 <= self.best_of <= 1000:
            raise ValueError(f"best_of: {self.best_of!r}; expected a whole number from 1 to 1000")


class MoleculeNetwork(nn.Module):
    """Writes tokens at a context: scores and marks of the properties, and a latent point where one is asked.

    Beside the context it sees what the tokens so far come to, by an estimate of each property and of some counts, how
    far that is from what was asked, and which rings and branches are open.

    Parameters
    ----------
    codec : MoleculeCodec
        Its tokens, the most of a molecule and its end, and its estimate, which is empty where one is yet to be loaded.
    width, layers, heads : int
        Of the transformer.
    """

    parts: Tensor

    def __init__(self, codec: MoleculeCodec, width: int, layers: int, heads: int) -> None:
        super().__init__()
        vocabulary, longest, estimate = codec.vocabulary, int(codec.longest), codec.estimate
        told = CONTEXT + LATENT + ESTIMATED + len(PROPERTIES) + FEATURES
        self.syntax = OpenSyntax(vocabulary)
        self.estimate = RunningEstimate(ESTIMATED, longest=STRETCH, slots=codec.slots, width=WIDTH)
        if estimate:
            self.estimate.load_state_dict(estimate)
        self.register_buffer("parts", torch.from_numpy(vocabulary.parts()), persistent=False)
        self.writer = TokenTransformer(len(vocabulary), told, longest, width=width, layers=layers, heads=heads)
        self.encoder = FragmentEncoder(LATENT, longest=3)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Logits (n, m, vocabulary) after `tokens` (n, m) at contexts (n, CONTEXT) or (n, CONTEXT + LATENT)."""
        return self.writer(tokens, self._told(tokens, context, None)[0])

    def step(self, tokens: Tensor, context: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits as `forward`'s, and the state to go on from."""
        counted, read = (None, None) if state is None else state
        told, counted = self._told(tokens, context, counted)
        logits, read = self.writer.step(tokens, told, read)
        return logits, (counted, read)

    def select(self, state: Any, rows: Tensor) -> Any:
        """The state of sequences `rows` (k,) alone."""
        counted, read = state
        counted = tuple(tuple(part[rows] for part in kept) for kept in counted)
        return counted, self.writer.select(read, rows)

    @torch.no_grad()
    def estimated(self, tokens: Tensor) -> Tensor:
        """Standard scores of the properties of whole molecules (n, m), by the stretches that they hold; (n, k)."""
        written, ends = simple_tokens(tokens, self.parts)
        found = self.estimate(written, ends)[0][..., : len(PROPERTIES)]
        last = ((tokens != END).sum(1) - 1).clamp(min=0)
        return found[torch.arange(len(tokens), device=tokens.device), last]

    def _told(self, tokens: Tensor, context: Tensor, state: Any) -> tuple[Tensor, Any]:
        context = functional.pad(context, (0, CONTEXT + LATENT - context.shape[1]))[:, None]
        scores, marks = context[..., :CONTEXT].chunk(2, dim=-1)
        summed, opened = (None, None) if state is None else state
        written, ends = simple_tokens(tokens, self.parts)
        found, summed = self.estimate(written, ends, summed)
        syntax, opened = self.syntax(written, ends, opened)
        left = (scores - found[..., : len(PROPERTIES)]) * marks
        near = torch.cat((found, left), dim=-1).clamp(-8.0, 8.0) / 2.0
        return torch.cat((context.expand(-1, tokens.shape[1], -1), near, syntax), dim=-1), (summed, opened)


def write(
    network: NextToken,
    vocabulary: Vocabulary,
    context: Tensor,
    without: Tensor,
    uniform: Tensor,
    options: MoleculeSampler,
    grammar: Grammar | None = None,
) -> Tensor:
    """Tokens (n, m) at contexts (n, k), by uniform numbers (n, m) and the sampler's options.

    Parameters
    ----------
    network : NextToken
    vocabulary : Vocabulary
    context, without : Tensor
        (n, k), with what is asked and with nothing asked.
    uniform : Tensor
    options : MoleculeSampler
    grammar : Grammar, optional
        In place of that of the options.
    """
    prefix = torch.from_numpy(vocabulary.begun(options.prefix, WRITTEN_OUT)).to(context.device)
    prefix = prefix[prefix != END]
    if len(prefix) + options.to_end() > uniform.shape[1]:
        raise SurrogatesError(f"prefix: {options.prefix!r} is as long as the longest training molecule; shorten it")
    grammar = options.grammar(vocabulary, *uniform.shape) if grammar is None else grammar
    asked = (context[:, len(PROPERTIES) :] != 0.0).any(dim=1)
    reduced = options.precision == "bfloat16"
    with torch.autocast(context.device.type, torch.bfloat16) if reduced else nullcontext():
        tokens = draw(
            network,
            context,
            uniform,
            START,
            options if asked.any() else replace(options, guidance=1.0),
            without=without,
            prefix=prefix,
            grammar=grammar,
            temperature=torch.where(asked, options.asked_temperature, 1.0),
        )
    return options.finish(vocabulary, tokens, len(prefix))


class MoleculeModel(nn.Module):
    """Tokens of molecules, one after another.

    Parameters
    ----------
    codec : MoleculeCodec
        Fitted: its tokens are written.
    width, layers, heads : int
        Of the transformer.
    options : ChoosingSampler, optional
    """

    ships: tuple[str, ...] = ("network",)
    centre: Tensor
    spread: Tensor

    def __init__(
        self,
        codec: MoleculeCodec,
        *,
        width: int = 256,
        layers: int = 6,
        heads: int = 8,
        options: ChoosingSampler | None = None,
    ) -> None:
        super().__init__()
        self.vocabulary, self.length = codec.vocabulary, int(codec.longest)
        self.network = MoleculeNetwork(codec, width, layers, heads)
        self.options = ChoosingSampler() if options is None else options
        for name in ("centre", "spread"):
            self.register_buffer(name, getattr(codec, name).clone(), persistent=False)

    def sample(self, conditions: Tensors, noise: Noise) -> Tensors:
        """Draw `tokens` (n, length) at a `context`, near the molecules `similar` or the latent `point` where given."""
        context = conditions["context"].float()
        point = conditions.get("point")
        if point is None and "similar" in conditions:
            similar = conditions["similar"]
            point = self.network.encoder(similar) * (similar != END).any(dim=1, keepdim=True)
        if point is not None:
            context = torch.cat((context, point.to(context)), dim=-1)
        without = torch.zeros_like(context)
        tokens: list[Tensor] = []
        for turn in range(self.options.best_of if conditions["context"].any() else 1):
            names = ("tokens",) if turn == 0 else ("tokens", str(turn))
            uniform = noise.uniform((self.length,), *names).to(context.device)
            tokens.append(write(self.network, self.vocabulary, context, without, uniform, self.options))
        if len(tokens) == 1:
            return {"tokens": tokens[0]}
        judge = Judge(self.vocabulary, self.network.estimated, self.centre, self.spread)
        return {"tokens": nearest(tokens, context, judge)}


def hidden(context: Tensor, uniform: Tensor) -> Tensor:
    """Contexts with some of their properties hidden, by uniform numbers (n, 1 + properties)."""
    shown = (uniform[:, 1:] >= HIDDEN) & (uniform[:, :1] >= UNCONDITIONAL) | (uniform[:, :1] >= 1.0 - WHOLE)
    return context * shown.to(context.dtype).repeat(1, 2)


def learn(model: MoleculeModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """Maximum likelihood of the tokens, at whichever properties are shown and near their own latent point."""
    tokens = batch.encoded["tokens"]
    uniform = batch.noise.uniform((2 + len(PROPERTIES),), "hidden").to(tokens.device)
    context = hidden(batch.conditions["context"].float(), uniform[:, 1:])
    longest = int((tokens != 0).sum(1).max()) + 1
    tokens = tokens[:, :longest]
    point = model.network.encoder(tokens)
    point = point + BLUR * batch.noise.normal((LATENT,), "blur").to(point)
    point = point * (uniform[:, :1] < NEAR)
    logits = model.network(shifted(tokens, START), torch.cat((context, point), dim=-1))
    yield "network", negative_log_likelihood(logits, tokens)
