"""Sequences token by token: likelihood for training, and sampling with temperature, nucleus and guidance.

Token 0 ends a sequence and fills what follows. Nucleus sampling: Holtzman et al. 2020, arXiv:1904.09751.
Classifier-free guidance of a language model: Sanchez et al. 2023, arXiv:2306.17806, after Ho, Salimans 2022,
arXiv:2207.12598.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

END = 0
LOWEST, HIGHEST = 1e-3, 1e3
"""Temperatures, and the largest guidance, at which logits stay numbers."""
FEWEST, EVEN = 256, 128
"""Rows of a product whose bits do not depend on how many there are: so many at least, and multiples of the other."""


class NextToken(Protocol):
    """A network that goes through a sequence step by step."""

    def step(self, tokens: Tensor, context: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Logits (n, m, vocabulary) after each of `tokens` (n, m), and the state to go on from; None to begin."""
        ...

    def select(self, state: Any, rows: Tensor) -> Any:
        """The state of sequences `rows` (k,) alone."""
        ...


class Grammar(Protocol):
    """What may come next, sequence by sequence."""

    def refused(self, tokens: Tensor, rows: Tensor) -> Tensor:
        """Which of the tokens (k,) may not come next in sequences `rows` (k,); (k,) bool. One at least always may."""
        ...

    def took(self, tokens: Tensor) -> None:
        """Note the tokens (n,) that were drawn."""
        ...

    def select(self, rows: Tensor) -> None:
        """Go on with sequences `rows` (k,) alone."""
        ...


@dataclass(frozen=True)
class Sampler:
    """How sequences are drawn.

    Attributes
    ----------
    temperature : float
        Divides the logits.
    top_p : float
        The most probable tokens that together hold this share are drawn from; 1 for all.
    guidance : float
        Weight of the condition: 1 draws from the conditional distribution, more presses towards what was asked, and
        costs a second pass without the condition.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    guidance: float = 1.0

    def __post_init__(self) -> None:
        for name in ("temperature", "top_p", "guidance"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{name}: {value!r}; expected a number")
        if not LOWEST <= self.temperature <= HIGHEST:
            raise ValueError(f"temperature: {self.temperature}; expected {LOWEST} to {HIGHEST:g}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p: {self.top_p}; expected above 0 and at most 1")
        if not 0.0 <= self.guidance <= HIGHEST:
            raise ValueError(f"guidance: {self.guidance}; expected 0 to {HIGHEST:g}")


def shifted(tokens: Tensor, start: int) -> Tensor:
    """What a network sees before each of `tokens` (n, m): the start token, then all but the last."""
    return functional.pad(tokens[:, :-1], (1, 0), value=start)


def written(tokens: Tensor) -> Tensor:
    """Which of tokens (n, m) are a sequence's own, its first END included; (n, m) bool."""
    ended = torch.cumsum(tokens == END, dim=1)
    return (ended == 0) | ((ended == 1) & (tokens == END))


def token_likelihood(logits: Tensor, tokens: Tensor) -> Tensor:
    """Log-likelihood [nat] of each of `tokens` (n, m) by the logits (n, m, vocabulary) before it; 0 behind an end."""
    loss = functional.cross_entropy(logits.float().transpose(1, 2), tokens, reduction="none")
    return -loss * written(tokens)


def negative_log_likelihood(logits: Tensor, tokens: Tensor) -> Tensor:
    """Of sequences (n, m), their first END included, by the logits (n, m, vocabulary) that stood before each token."""
    return -token_likelihood(logits, tokens).sum(dim=1)


def next_token(logits: Tensor, uniform: Tensor, options: Sampler) -> tuple[Tensor, Tensor]:
    """Tokens drawn from logits (n, vocabulary) by inversion at uniform numbers (n,).

    Tokens stand in the order of their codes, or of their probabilities where `top_p` leaves some out.

    Returns
    -------
    tokens : Tensor
        (n,) int64.
    rest : Tensor
        (n,) how far within a token's share its number lies: uniform numbers again, whichever the token.
    """
    probability = torch.softmax(logits.float() / options.temperature, dim=-1)
    if options.top_p == 1.0:
        return _inverted(probability, uniform)
    order = torch.argsort(probability, dim=-1, descending=True, stable=True)
    ranked = probability.gather(-1, order)
    before = torch.cumsum(ranked, dim=-1) - ranked
    place, rest = _inverted(torch.where(before < options.top_p, ranked, 0.0), uniform)
    return order.gather(-1, place[:, None])[:, 0], rest


def _inverted(weight: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Places (n,) in rows of weights (n, k) at the share `uniform` of their sum, none of weight 0; and what is left of
    the share there, as a share of the weight.
    """
    cumulative = torch.cumsum(weight, dim=-1)
    share = (uniform[:, None].float() * cumulative[:, -1:]).clamp(min=1e-30)
    place = (share > cumulative).sum(-1, keepdim=True).clamp(max=weight.shape[-1] - 1)
    here = weight.gather(-1, place)
    rest = (share - cumulative.gather(-1, place) + here) / here
    return place[:, 0], rest[:, 0].nan_to_num(0.5).clamp(1e-6, 1.0 - 1e-6)


def _permitted(logits: Tensor, uniform: Tensor, options: Sampler, grammar: Grammar, running: Tensor) -> Tensor:
    """Tokens (n,) as `next_token` draws them, of those that the grammar takes.

    What is refused is left out of the logits and the token drawn again, by what is left of the same number, so that
    tokens come as if all that are refused had been left out before (but for the nucleus of a `top_p`, which holds the
    refused ones at first).
    """
    token, rest = next_token(logits, uniform, options)
    rows = torch.nonzero(running)[:, 0]
    while len(rows := rows[grammar.refused(token[rows], rows)]):
        logits[rows, token[rows]] = -torch.inf
        if not logits[rows].isfinite().any(dim=1).all() or logits[rows].isnan().any():
            raise ArithmeticError("tokens: the grammar refuses all of them, or the network's logits are not finite")
        token[rows], rest[rows] = next_token(logits[rows], rest[rows], options)
    return token


@torch.no_grad()
def draw(
    network: NextToken,
    context: Tensor,
    uniform: Tensor,
    start: int,
    options: Sampler,
    *,
    without: Tensor | None = None,
    prefix: Tensor | None = None,
    grammar: Grammar | None = None,
    temperature: Tensor | None = None,
) -> Tensor:
    """Draw sequences until all have ended.

    When a quarter of them have, the others go on alone; never fewer than `FEWEST`, for processors sum the products of
    few rows in another order, and a sequence's bits are not to depend on those beside it.

    Parameters
    ----------
    network : NextToken
    context : Tensor
        (n, k).
    uniform : Tensor
        (n, m) numbers in (0, 1), one a token; a sequence that has not ended after m tokens is cut.
    start : int
        Token before the first.
    options : Sampler
    without : Tensor, optional
        (n, k) contexts without the condition; needed for guidance other than 1.
    prefix : Tensor, optional
        (p,) tokens that every sequence begins with.
    grammar : Grammar, optional
        Forbids tokens after the prefix.
    temperature : Tensor, optional
        (n,) divides each sequence's logits beside the options' own.

    Returns
    -------
    Tensor
        (n, m) int64, END from the end on.
    """
    count, length = uniform.shape
    guided = options.guidance != 1.0
    if guided and without is None:
        raise ValueError(f"guidance: {options.guidance}; expected 1 of a model without an unconditional context")
    told = [context, without] if guided and without is not None else [context]
    drawn = torch.full((count, length), END, dtype=torch.int64, device=uniform.device)
    rows = torch.arange(count, device=uniform.device)
    running = torch.ones(count, dtype=torch.bool, device=uniform.device)
    token = torch.full((count,), start, dtype=torch.int64, device=uniform.device)
    state: Any = None
    for place in range(length):
        logits, state = network.step(token.repeat(len(told))[:, None], torch.cat(told), state)
        logits = logits[:, 0]
        if guided:
            asked, free = logits.chunk(2)
            logits = free + options.guidance * (asked - free)
        if temperature is not None:
            logits = logits / temperature[rows, None]
        if prefix is not None and place < len(prefix):
            token = prefix[place].expand(len(rows))
        else:
            if grammar is None:
                token, _ = next_token(logits, uniform[rows, place], options)
            else:
                token = _permitted(logits.float().clone(), uniform[rows, place], options, grammar, running)
        token = torch.where(running, token, END)
        if grammar is not None:
            grammar.took(token)
        drawn[rows, place] = token
        running = running & (token != END)
        left = int(running.sum())
        if not left:
            break
        fewer = max(-(-left // EVEN) * EVEN, FEWEST)
        if 4 * fewer <= 3 * len(rows):
            kept = torch.argsort(running, descending=True, stable=True)[:fewer]
            state = network.select(state, torch.cat([kept + part * len(rows) for part in range(len(told))]))
            if grammar is not None:
                grammar.select(kept)
            told = [part[kept] for part in told]
            rows, running, token = rows[kept], running[kept], token[kept]
    return drawn
