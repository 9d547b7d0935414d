"""Goal-directed generation: REINFORCE from the trained generator with any scoring function.

The agent's likelihood is drawn to the prior's, raised by the score: Olivecrona et al. 2017, J. Cheminf. 9, 48,
equations 4 and 5, after Williams 1992, Mach. Learn. 8, 229.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SurrogatesError
from ...physics.molecules.descriptors import canonical
from .variables import PROPERTIES

if TYPE_CHECKING:
    from torch import Tensor

    from ...sampling.surrogate import Surrogate

Score = Callable[[Sequence[str]], Sequence[float]]
"""Canonical SMILES -> a score each, 0 poor to 1 good."""


@dataclass
class Scorer:
    """A scoring function that counts the molecules it was asked, and asks none twice.

    Attributes
    ----------
    score : callable
    most : int
        Molecules that may be scored.
    """

    score: Score
    most: int
    known: dict[str, float] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Distinct molecules scored."""
        return len(self.known)

    def __call__(self, smiles: Sequence[str | None]) -> np.ndarray:
        """Scores (n,); 0 for what is no molecule, and for what comes when all calls are spent.

        Raises
        ------
        SurrogatesError
            The function does not give one finite number a molecule.
        """
        new = list(dict.fromkeys(text for text in smiles if text is not None and text not in self.known))
        new = new[: self.most - self.calls]
        if new:
            values = np.asarray(self.score(new), dtype=np.float64)
            if values.shape != (len(new),) or not np.isfinite(values).all():
                raise SurrogatesError(
                    f"score: shape {values.shape} for {len(new)} molecules, {int((~np.isfinite(values)).sum())} not "
                    "finite; expected one finite number each"
                )
            self.known |= dict(zip(new, values.tolist(), strict=True))
        return np.array([0.0 if text is None else self.known.get(text, 0.0) for text in smiles])


@dataclass(frozen=True)
class Optimised:
    """What a search found.

    Attributes
    ----------
    smiles : tuple of str
        Every molecule that was scored, the best first.
    scores : ndarray
        (n,), falling.
    calls : int
        Molecules scored.
    history : ndarray
        (steps, 3): calls so far, mean score of the step's molecules (0 for what is none), share of valid ones.
    model : MoleculeModel
        The agent; the surrogate's own weights are unchanged.
    """

    smiles: tuple[str, ...]
    scores: np.ndarray
    calls: int
    history: np.ndarray
    model: Any


def optimise(
    surrogate: Surrogate,
    score: Score,
    *,
    calls: int = 5000,
    batch: int = 64,
    strength: float = 60.0,
    learning_rate: float = 5e-4,
    seed: int = 0,
    most_steps: int = 2000,
) -> Optimised:
    """Turn the generator towards molecules that a function scores high.

    Parameters
    ----------
    surrogate : Surrogate
        Of `molecules`; its sampler options hold.
    score : callable
        Canonical SMILES -> scores, best within 0 to 1. What it measures is maximised, whatever that leaves out.
    calls : int
        Molecules that may be scored; a molecule that comes again is not scored again.
    batch : int
        Molecules a step.
    strength : float
        Nats of likelihood that a score of 1 adds.
    learning_rate : float
    seed : int
    most_steps : int
        Ends a search that finds nothing new.

    Raises
    ------
    SurrogatesError
        No calls, or a function that does not score.
    """
    import torch

    from ...noise import Noise, fold

    if calls < 1 or batch < 1:
        raise SurrogatesError(f"calls, batch: {calls}, {batch}; expected 1 or more")
    prior: Any = surrogate.model
    agent: Any = copy.deepcopy(prior).requires_grad_(True)
    optimiser = torch.optim.Adam(agent.network.parameters(), lr=learning_rate)
    scorer, history = Scorer(score, calls), []
    nothing = surrogate.codec.encode({name: _unasked(batch) for name in PROPERTIES})
    context = nothing["context"].to(surrogate.device).float()
    for step in range(most_steps):
        noise = Noise(fold(seed, f"optimise {step}"), torch.arange(batch, device=surrogate.device))
        with torch.no_grad():
            tokens = agent.sample({"context": context}, noise)["tokens"]
        smiles = [canonical(text) for text in agent.vocabulary.decode(tokens.cpu().numpy())]
        scores = scorer(smiles)
        history.append((scorer.calls, scores.mean(), np.mean([text is not None for text in smiles])))
        with torch.no_grad():
            expected = log_likelihood(prior, tokens, context)
        wanted = expected + strength * torch.as_tensor(scores, dtype=torch.float32, device=tokens.device)
        loss = (wanted - log_likelihood(agent, tokens, context)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(agent.network.parameters(), 10.0)
        optimiser.step()
        if scorer.calls >= calls:
            break
    found = sorted(scorer.known.items(), key=lambda item: (-item[1], item[0]))
    return Optimised(
        tuple(text for text, _ in found),
        np.array([value for _, value in found]),
        scorer.calls,
        np.array(history),
        agent.eval().requires_grad_(False),
    )


def _unasked(n: int) -> Tensor:
    import torch

    return torch.full((n,), torch.nan, dtype=torch.float64)


def log_likelihood(model: Any, tokens: Tensor, context: Tensor) -> Tensor:
    """Log-likelihood [nat] of tokens (n, m) under a model of molecules at contexts (n, k)."""
    from ...models.autoregressive import negative_log_likelihood, shifted
    from .codec import START

    longest = min(int((tokens != 0).sum(dim=1).max()) + 1, tokens.shape[1])
    shown = tokens[:, :longest]
    return -negative_log_likelihood(model.network(shifted(shown, START), context), shown)
