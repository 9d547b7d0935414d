"""Adversarial training: logistic, hinge, Wasserstein and relativistic games with their penalties, one loss a sample.

Generator and discriminator are the caller's, conditional in any way: a game is given by functions of (model, batch).
Goodfellow et al. 2014, arXiv:1406.2661; hinge: Lim, Ye 2017, arXiv:1705.02894; Wasserstein with gradient penalty:
Gulrajani et al. 2017, arXiv:1704.00028; relativistic pairing with R1 + R2 (R3GAN): Huang et al. 2024, arXiv:2501.05441;
spectral norm: Miyato et al. 2018, arXiv:1802.05957; auxiliary classes: Odena et al. 2017, arXiv:1610.09585.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from ..contract.recipe import Batch, Model

LOSSES = ("logistic", "hinge", "wasserstein", "relativistic")


@dataclass(frozen=True)
class Game:
    """The rules of an adversarial phase.

    Attributes
    ----------
    loss : {"relativistic", "logistic", "hinge", "wasserstein"}
    r1, r2 : float
        Weights gamma of the zero-centred gradient penalties on real and generated samples, ``gamma / 2 |grad D|^2``.
    gradient_penalty : float
        Weight of ``(|grad D| - 1)^2`` between real and generated samples; for "wasserstein".
    smoothing : float
        Real labels become 1 - smoothing; for "logistic" (Salimans et al. 2016, arXiv:1606.03498).
    fake_smoothing : float
        Generated labels become this rather than 0; for "logistic".
    auxiliary : float
        Weight of the class head: the columns of the verdict behind its first.
    discriminator_updates : int
        Discriminator updates a generator update.
    penalty_every : int
        Penalties are computed at every so many batches, and weigh as many times more (Karras et al. 2020,
        arXiv:1912.04958, lazy regularisation).
    """

    loss: str = "relativistic"
    r1: float = 0.0
    r2: float = 0.0
    gradient_penalty: float = 0.0
    smoothing: float = 0.0
    fake_smoothing: float = 0.0
    auxiliary: float = 0.0
    discriminator_updates: int = 1
    penalty_every: int = 1

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"loss: {self.loss!r} is unknown; expected one of {', '.join(LOSSES)}")
        for name in ("smoothing", "fake_smoothing"):
            share = getattr(self, name)
            if not 0.0 <= share < 0.5 or (share and self.loss != "logistic"):
                raise ValueError(f"{name}: {share} with loss {self.loss!r}; expected 0 to 0.5 with 'logistic'")
        if min(self.discriminator_updates, self.penalty_every) < 1:
            raise ValueError("discriminator_updates, penalty_every: expected at least 1")


def discriminator_loss(
    real: Tensor, fake: Tensor, loss: str, *, smoothing: float = 0.0, fake_smoothing: float = 0.0
) -> Tensor:
    """Loss of the discriminator from its scores of real and generated samples, (n,) each.

    Logistic (non-saturating) softplus(-r) + softplus(f), of which `smoothing` moves a share of the first to softplus(r)
    and `fake_smoothing` a share of the second to softplus(-f); hinge
    max(0, 1 - r) + max(0, 1 + f); Wasserstein f - r; relativistic softplus(f - r), arXiv:2501.05441, eq. (2).
    """
    if loss == "logistic":
        judged = (1.0 - smoothing) * functional.softplus(-real) + smoothing * functional.softplus(real)
        made = (1.0 - fake_smoothing) * functional.softplus(fake) + fake_smoothing * functional.softplus(-fake)
        return judged + made
    if loss == "hinge":
        return functional.relu(1.0 - real) + functional.relu(1.0 + fake)
    return fake - real if loss == "wasserstein" else functional.softplus(fake - real)


def generator_loss(fake: Tensor, loss: str, real: Tensor | None = None) -> Tensor:
    """Loss of the generator from the scores of its samples, (n,); the relativistic game also needs the real ones."""
    if loss == "logistic":
        return functional.softplus(-fake)
    if loss in ("hinge", "wasserstein"):
        return -fake
    if real is None:
        raise ValueError("real: None given; expected the scores of real samples, which the relativistic loss pairs")
    return functional.softplus(real - fake)


def separation(real: Tensor, fake: Tensor) -> Tensor:
    """Share of (real, generated) pairs in which the real sample scores higher: 0.5 in balance, 1 where D wins."""
    return (real[:, None] > fake[None, :]).float().mean() + 0.5 * (real[:, None] == fake[None, :]).float().mean()


def squared_gradient(scores: Tensor, samples: Tensor) -> Tensor:
    """Squared slope of the score at each sample, (n,), differentiable; `samples` requires a gradient."""
    (gradient,) = torch.autograd.grad(scores.sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(dim=1)


def gradient_penalty(judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, between: Tensor) -> Tensor:
    """Square of the slope less 1 at points between real and generated samples, (n,), arXiv:1704.00028, eq. (3).

    Parameters
    ----------
    judge : callable
        Samples -> scores (n,).
    real, fake : Tensor
        (n, ...).
    between : Tensor
        (n,), share of the generated sample, uniform in (0, 1).
    """
    share = between.to(real.dtype).view(-1, *(1,) * (real.ndim - 1))
    points = torch.lerp(real, fake, share).detach().requires_grad_()
    return (torch.sqrt(squared_gradient(judge(points), points) + 1e-12) - 1.0).square()


def spectrally_normalised(module: nn.Module) -> nn.Module:
    """The same module, with the spectral norm of every linear and convolutional weight held at 1."""
    for child in list(module.modules()):
        if isinstance(child, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            nn.utils.parametrizations.spectral_norm(child)
    return module


@dataclass(frozen=True)
class Penalty:
    """A further loss of the generator, such as a conservation law's squared residual.

    Attributes
    ----------
    weight : float
    residual : callable
        (model, batch, generated samples) -> one value a sample, (n,).
    """

    weight: float
    residual: Callable[[Any, Batch, Tensor], Tensor]


def adversarial_steps(
    real: Callable[[Any, Batch], Tensor],
    generate: Callable[[Any, Batch, str], Tensor],
    judge: Callable[[Any, Batch, Tensor], Tensor],
    game: Game,
    *,
    labels: Callable[[Any, Batch], Tensor] | None = None,
    penalties: Sequence[Penalty] = (),
    generator: str = "generator",
    discriminator: str = "discriminator",
) -> Callable[[Model, Batch], Iterator[tuple[str, Tensor]]]:
    """Steps of an adversarial phase.

    Parameters
    ----------
    real : callable
        (model, batch) -> real samples (n, ...).
    generate : callable
        (model, batch, draw) -> generated samples of that shape; `draw` goes into the names of the noise.
    judge : callable
        (model, batch, samples) -> verdicts (n,) or (n, 1 + classes): the score, then the logits of the classes.
    game : Game
    labels : callable, optional
        (model, batch) -> classes (n,) int64 of the auxiliary head.
    penalties : sequence of Penalty
    generator, discriminator : str
        The model's submodules to update.
    """
    if game.auxiliary and labels is None:
        raise ValueError("labels: None given; expected a function of (model, batch), for game.auxiliary is not 0")

    def discriminate(model: Model, batch: Batch, turn: int) -> Tensor:
        regularised = batch.step % game.penalty_every == 0
        true = real(model, batch).detach()
        with torch.no_grad():
            made = generate(model, batch, f"discriminator {turn}")
        true, made = true.requires_grad_(bool(game.r1)), made.detach().requires_grad_(bool(game.r2))
        verdict, verdict_made = judge(model, batch, true), judge(model, batch, made)
        scores, scores_made = _score(verdict), _score(verdict_made)
        loss = discriminator_loss(
            scores, scores_made, game.loss, smoothing=game.smoothing, fake_smoothing=game.fake_smoothing
        )
        batch.notes["separation"] = separation(scores.detach(), scores_made.detach())
        if regularised and game.r1:
            loss = loss + 0.5 * game.r1 * game.penalty_every * squared_gradient(scores, true)
        if regularised and game.r2:
            loss = loss + 0.5 * game.r2 * game.penalty_every * squared_gradient(scores_made, made)
        if regularised and game.gradient_penalty:
            between = batch.noise.uniform((1,), "between", turn).squeeze(1)
            slope = gradient_penalty(lambda x: _score(judge(model, batch, x)), true.detach(), made.detach(), between)
            loss = loss + game.gradient_penalty * game.penalty_every * slope
        if game.auxiliary and labels is not None:
            loss = loss + game.auxiliary * _class_loss(verdict, labels(model, batch))
        return loss

    def steps(model: Model, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        for turn in range(game.discriminator_updates):
            yield discriminator, discriminate(model, batch, turn)
        made = generate(model, batch, "generator")
        verdict = judge(model, batch, made)
        score = None
        if game.loss == "relativistic":
            with torch.no_grad():
                score = _score(judge(model, batch, real(model, batch)))
        loss = generator_loss(_score(verdict), game.loss, score)
        if game.auxiliary and labels is not None:
            loss = loss + game.auxiliary * _class_loss(verdict, labels(model, batch))
        for penalty in penalties:
            loss = loss + penalty.weight * penalty.residual(model, batch, made)
        yield generator, loss

    return steps


def _score(verdict: Tensor) -> Tensor:
    return verdict if verdict.ndim == 1 else verdict[:, 0]


def _class_loss(verdict: Tensor, labels: Tensor) -> Tensor:
    if verdict.ndim != 2 or verdict.shape[1] < 3:
        shape = tuple(verdict.shape)
        raise ValueError(f"verdict: shape {shape} has no class head; expected (n, 1 + classes) for game.auxiliary")
    return functional.cross_entropy(verdict[:, 1:], labels, reduction="none")
