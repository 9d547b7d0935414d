"""Mean matching: sums over regions of what a trained generator draws follow the data's, in mean and in spread.

Regressions of a region's mean on what is known of a sample (its season, its forcing) are fitted to drawn and to given
samples; a drawn mean keeps its place about its own regression, rescaled, and is moved onto the given one. This is the
scaling of anomalies that forecasts are recalibrated with (von Storch 1999, J. Climate 12, 3505, says what inflation of
a variance cannot mend).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MeanTally(nn.Module):
    """Sums from which a regression of b means on k known numbers is fitted.

    Parameters
    ----------
    known, means : int
    """

    gram: Tensor
    cross: Tensor
    square: Tensor
    rows: Tensor

    def __init__(self, known: int, means: int) -> None:
        super().__init__()
        for name, shape in (("gram", (known, known)), ("cross", (known, means)), ("square", (means,)), ("rows", ())):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    @torch.no_grad()
    def add(self, means: Tensor, known: Tensor) -> None:
        """Count means (n, b) of samples of which (n, k) is known."""
        means, known = means.double(), known.double()
        self.gram += known.T @ known
        self.cross += known.T @ means
        self.square += means.square().sum(0)
        self.rows += len(means)

    def fitted(self, ridge: float = 1e-6) -> tuple[Tensor, Tensor]:
        """Slopes (k, b), and the standard deviation (b,) of what they leave."""
        rows = self.rows.clamp(min=1.0)
        slopes = torch.linalg.solve(
            self.gram / rows + ridge * torch.eye(len(self.gram)).to(self.gram), self.cross / rows
        )
        left = self.square / rows - (slopes * (self.cross / rows)).sum(0)
        return slopes, left.clamp(min=1e-12).sqrt()


class MeanMatching(nn.Module):
    """Means as drawn to means as given; the identity until it is matched.

    Parameters
    ----------
    known, means : int
    """

    drawn: Tensor
    given: Tensor
    share: Tensor
    matched: Tensor

    def __init__(self, known: int, means: int) -> None:
        super().__init__()
        for name in ("drawn", "given"):
            self.register_buffer(name, torch.zeros(known, means))
        self.register_buffer("share", torch.ones(means))
        self.register_buffer("matched", torch.zeros((), dtype=torch.bool))

    def match(self, drawn: MeanTally, given: MeanTally) -> None:
        """Take the regressions of what was drawn and of what was given."""
        (made, spread), (true, wanted) = drawn.fitted(), given.fitted()
        self.drawn.copy_(made)
        self.given.copy_(true)
        self.share.copy_(wanted / spread)
        self.matched.fill_(True)

    def forward(self, means: Tensor, known: Tensor) -> Tensor:
        """(n, b) of means (n, b) of samples of which (n, k) is known."""
        return known @ self.given + self.share * (means - known @ self.drawn)
