"""Training one image into another: paired (a loss of pixels, perhaps a patch critic beside it) and unpaired (cycles).

Networks are the caller's; a phase is given by functions of (model, batch), as in `surrogates.models.adversarial`.
Paired with a critic: Isola et al. 2017, arXiv:1611.07004 (pix2pix). Unpaired: Zhu et al. 2017, arXiv:1703.10593
(CycleGAN): least-squares game, cycle and identity losses, a pool of past images for the critics.

>>> from functools import partial
>>> from surrogates.contract.recipe import Adam, Phase
>>> paired = paired_steps(lambda model, batch: batch.encoded["ct"], lambda model, batch, draw: model.unet(
...     batch.conditions["mri"]))
>>> phase = Phase(paired, 1000, {"generator": Adam(1e-3)})
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .adversarial import separation

if TYPE_CHECKING:
    from ..contract.recipe import Batch, Model

Steps = Callable[["Model", "Batch"], Iterator[tuple[str, Tensor]]]


def absolute_error(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of each image, (n,)."""
    return (made - target).abs().flatten(1).mean(dim=1)


def cross_entropy(made: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of each image, (n,), of logits (n, class, y, x) and labels (n, y, x) int64."""
    return nn.functional.cross_entropy(made, target, reduction="none").flatten(1).mean(dim=1)


def soft_dice(made: Tensor, target: Tensor) -> Tensor:
    """1 - mean Dice coefficient of the classes that an image or its answer has, (n,); arguments of `cross_entropy`.

    Milletari et al. 2016, arXiv:1606.04797, with the sums of probabilities in the denominator.
    """
    shares = made.softmax(dim=1).flatten(2)
    true = nn.functional.one_hot(target, made.shape[1]).movedim(-1, 1).flatten(2).to(shares.dtype)
    both, sizes = (shares * true).sum(dim=2), shares.sum(dim=2) + true.sum(dim=2)
    there = (true.sum(dim=2) > 0).to(shares.dtype)
    dice = (2.0 * both + 1.0) / (sizes + 1.0)
    return 1.0 - (dice * there).sum(dim=1) / there.sum(dim=1).clamp_min(1.0)


def real_loss(scores: Tensor) -> Tensor:
    """Least-squares loss of scores (n, ...) that should be those of real images, (n,); Mao et al. 2017, eq. (9)."""
    return (scores - 1.0).square().flatten(1).mean(dim=1)


def fake_loss(scores: Tensor) -> Tensor:
    """Least-squares loss of scores (n, ...) that should be those of made images, (n,)."""
    return scores.square().flatten(1).mean(dim=1)


def paired_steps(
    target: Callable[[Any, Batch], Tensor],
    generate: Callable[[Any, Batch, str], Tensor],
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = absolute_error,
    judge: Callable[[Any, Batch, Tensor], Tensor] | None = None,
    weight: float = 100.0,
    generator: str = "generator",
    discriminator: str = "discriminator",
) -> Steps:
    """Steps of a paired phase; with `judge` those of pix2pix.

    Parameters
    ----------
    target : callable
        (model, batch) -> true images (n, c, y, x), or labels.
    generate : callable
        (model, batch, draw) -> made images; `draw` goes into the names of the noise.
    loss : callable
        (made, true) -> one value an image, (n,).
    judge : callable, optional
        (model, batch, images) -> scores of patches (n, ...), conditional on what the batch shows; without it there is
        no critic.
    weight : float
        Of `loss` beside the critic's; 100 in the literature. Without a critic the loss stands alone.
    generator, discriminator : str
        The model's submodules to update.
    """

    def steps(model: Model, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        true = target(model, batch)
        made = generate(model, batch, "generator")
        if judge is None:
            yield generator, loss(made, true)
            return
        scores, scores_made = judge(model, batch, true), judge(model, batch, made.detach())
        batch.notes["separation"] = separation(_mean(scores), _mean(scores_made))
        yield discriminator, 0.5 * (real_loss(scores) + fake_loss(scores_made))
        pixels = loss(made, true)
        batch.notes["pixels"] = pixels.detach().mean()
        yield generator, real_loss(judge(model, batch, made)) + weight * pixels

    return steps


class ImagePool(nn.Module):
    """The last images that a generator made, which its critic sees in half of the cases instead of the newest.

    Shrivastava et al. 2017, arXiv:1612.07828. The images are buffers: they travel with a checkpoint, and a resumed run
    goes on exactly.

    Parameters
    ----------
    shape : tuple of int
        (c, y, x) of an image.
    size : int
        50 in the literature; 0 keeps none.
    """

    def __init__(self, shape: tuple[int, ...], size: int = 50) -> None:
        super().__init__()
        self.images: Tensor
        self.held: Tensor
        self.register_buffer("images", torch.zeros((size, *shape)))
        self.register_buffer("held", torch.zeros((), dtype=torch.int64))

    def forward(self, made: Tensor, swap: Tensor, place: Tensor) -> Tensor:
        """Images of which some are exchanged for older ones.

        Parameters
        ----------
        made : Tensor
            (n, c, y, x), detached.
        swap, place : Tensor
            (n,) uniform in (0, 1): whether to exchange, and with which.
        """
        size, shown = len(self.images), []
        for image, chance, where in zip(made, swap.tolist(), place.tolist(), strict=True):
            held = int(self.held)
            if held < size:
                self.images[held] = image
                self.held += 1
                shown.append(image)
            elif size and chance < 0.5:
                index = int(where * size)
                shown.append(self.images[index].clone())
                self.images[index] = image
            else:
                shown.append(image)
        return torch.stack(shown)


@dataclass(frozen=True)
class Cycle:
    """What an unpaired phase weighs.

    Attributes
    ----------
    cycle : float
        Absolute error of an image that went forth and back; 10 in the literature.
    identity : float
        Absolute error of an image of the other kind left as it is, as a share of `cycle`; 0.5 in the literature.
    adversarial : float
        Of the critics' verdict.
    """

    cycle: float = 10.0
    identity: float = 0.5
    adversarial: float = 1.0


def unpaired_steps(
    first: Callable[[Any, Batch], Tensor],
    second: Callable[[Any, Batch], Tensor],
    weights: Cycle | None = None,
    *,
    more: Callable[[Any, Batch, Tensor, Tensor], Tensor] | None = None,
) -> Steps:
    """Steps of an unpaired phase.

    The model has `generators` (submodules `forth` and `back`: images -> images of the other kind), `discriminators`
    (`forth` judges images of the second kind, `back` those of the first) and `pools` (`ImagePool` of both names).

    Parameters
    ----------
    first, second : callable
        (model, batch) -> real images (n, c, y, x) of either kind, of two pools that were shuffled apart.
    weights : Cycle
    more : callable, optional
        (model, batch, made of first, made of second) -> a further loss, (n,): what a generator must keep.
    """
    rules = weights or Cycle()

    def steps(model: Any, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        real = {"back": first(model, batch), "forth": second(model, batch)}
        source = {"forth": real["back"], "back": real["forth"]}
        other = {"forth": "back", "back": "forth"}
        generators, critics = model.generators, model.discriminators
        made = {way: generators[way](source[way]) for way in ("forth", "back")}
        loss = torch.zeros(len(source["forth"]), device=source["forth"].device)
        for way in ("forth", "back"):
            loss = loss + rules.adversarial * real_loss(critics[way](made[way]))
            loss = loss + rules.cycle * absolute_error(generators[other[way]](made[way]), source[way])
            if rules.identity:
                kept = generators[way](real[way])
                loss = loss + rules.cycle * rules.identity * absolute_error(kept, real[way])
        if more is not None:
            loss = loss + more(model, batch, made["forth"], made["back"])
        yield "generators", loss
        verdicts = []
        for way in ("forth", "back"):
            chances = batch.noise.uniform((2,), "pool", way)
            shown = model.pools[way](made[way].detach(), chances[:, 0], chances[:, 1])
            scores, scores_made = critics[way](real[way]), critics[way](shown)
            batch.notes[f"separation_{way}"] = separation(_mean(scores), _mean(scores_made)).detach()
            verdicts.append(0.5 * (real_loss(scores) + fake_loss(scores_made)))
        yield "discriminators", torch.stack(verdicts).sum(dim=0)

    return steps


def _mean(scores: Tensor) -> Tensor:
    return scores.detach().flatten(1).mean(dim=1)
