"""Molecules on the way from one to another: the generator asked along the arc between their latent points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.errors import SurrogatesError
from ...physics.molecules.descriptors import canonical
from ...physics.molecules.distances import similarity
from ...physics.molecules.structure import fingerprints
from .variables import SIMILAR

if TYPE_CHECKING:
    from torch import Tensor

    from ...sampling.surrogate import Surrogate


@dataclass(frozen=True)
class Step:
    """What was written at one place of the arc.

    Attributes
    ----------
    fraction : float
        Of the way, 0 to 1.
    smiles : tuple of str
        Distinct valid molecules, the most frequent first.
    similarity : ndarray
        (n, 2) Tanimoto similarity of each to the first and to the second molecule, Morgan fingerprints.
    """

    fraction: float
    smiles: tuple[str, ...]
    similarity: np.ndarray


def interpolate(
    surrogate: Surrogate, first: str, second: str, *, steps: int = 9, each: int = 32, seed: int = 0
) -> tuple[Step, ...]:
    """Write molecules along the way from one to another.

    Parameters
    ----------
    surrogate : Surrogate
        Of `molecules`, a recipe with a latent point; its sampler options hold.
    first, second : str
        SMILES.
    steps : int
        Places on the arc, both ends included.
    each : int
        Molecules drawn at each place.
    seed : int

    Returns
    -------
    tuple of Step

    Raises
    ------
    SurrogatesError
        A recipe without a latent point, fewer than 2 places, or no molecules to draw.
    SchemaError
        A SMILES that the vocabulary cannot write.
    """
    import torch

    from ...noise import Noise
    from ...sampling.request import ask, check_limits

    if steps < 2 or each < 1:
        raise SurrogatesError(f"steps, each: {steps}, {each}; expected 2 and 1 or more")
    model: Any = surrogate.model
    if not hasattr(getattr(model, "network", None), "encoder"):
        raise SurrogatesError(f"model: {surrogate.card.recipe} has no latent point; load 'zinc' or 'qm9'")
    ends = next(ask(surrogate.conditions, 2, {SIMILAR: [first, second]}).blocks(2))
    check_limits(surrogate.plugin.limits, ends)
    encoded = surrogate.codec.encode({name: torch.as_tensor(ends[name].values) for name in surrogate.conditions.names})
    with torch.no_grad():
        points = model.network.encoder(encoded["similar"].to(surrogate.device))
    fractions = np.linspace(0.0, 1.0, steps)
    count = steps * each
    asked = {
        "context": encoded["context"][:1].expand(count, -1).to(surrogate.device),
        "point": arc(points[0], points[1], fractions).repeat_interleave(each, dim=0),
    }
    with torch.no_grad():
        tokens = model.sample(asked, Noise(seed, torch.arange(count, device=surrogate.device)))["tokens"]
    written = [canonical(text) for text in model.vocabulary.decode(tokens.cpu().numpy())]
    known = _fingerprints([first, second])
    return tuple(
        _step(float(fraction), written[place * each : (place + 1) * each], known)
        for place, fraction in enumerate(fractions)
    )


def arc(first: Tensor, second: Tensor, fractions: np.ndarray) -> Tensor:
    """Points (n, k) on the great circle from `first` (k,) to `second` (Shoemake 1985, SIGGRAPH 19, 245)."""
    import torch

    way = torch.as_tensor(fractions, dtype=first.dtype, device=first.device)[:, None]
    cosine = torch.nn.functional.cosine_similarity(first, second, dim=0).clamp(-1.0, 1.0)
    angle = torch.arccos(cosine)
    if float(angle) < 1e-4:
        return first + way * (second - first)
    return (torch.sin((1.0 - way) * angle) * first + torch.sin(way * angle) * second) / torch.sin(angle)


def _step(fraction: float, written: list[str | None], known: np.ndarray) -> Step:
    valid = [text for text in written if text is not None]
    distinct = sorted(set(valid), key=lambda text: (-valid.count(text), text))
    near = similarity(_fingerprints(distinct), known) if distinct else np.zeros((0, 2))
    return Step(fraction, tuple(distinct), np.asarray(near, dtype=np.float64))


def _fingerprints(smiles: list[str]) -> np.ndarray:
    from rdkit import Chem

    return fingerprints([Chem.MolFromSmiles(text) for text in smiles])
