"""Networks from image to image: a U-net, residual blocks between a shrinking and a growing half, and a patch critic.

U-net: Ronneberger et al. 2015, arXiv:1505.04597. Residual translator: Zhu et al. 2017, arXiv:1703.10593, appendix.
PatchGAN: Isola et al. 2017, arXiv:1611.07004, section 3.2.2. Instance norm (Ulyanov et al. 2016, arXiv:1607.08022)
throughout: no image's result depends on its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

Drawn = Callable[[tuple[int, ...], int], Tensor]
"""(shape of a sample, number of the draw) -> uniform numbers of that shape a sample."""

_SLOPE = 0.2


def padded(image: Tensor, multiple: int) -> tuple[Tensor, tuple[int, int]]:
    """Images (n, c, y, x) repeated at their lower and right edges up to a multiple, and their own height and width.

    Examples
    --------
    >>> wide, size = padded(torch.zeros(1, 1, 30, 50), 16)
    >>> tuple(wide.shape), cropped(wide, size).shape[-2:] == (30, 50)
    ((1, 1, 32, 64), True)
    """
    height, width = image.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if below or right:
        image = functional.pad(image, (0, right, 0, below), mode="replicate")
    return image, (height, width)


def cropped(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The first rows and columns of images, which `padded` had."""
    return image[..., : size[0], : size[1]]


def _norm(channels: int, affine: bool = True) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=affine)


class PixelNorm(nn.Module):
    """Layer norm (Ba et al. 2016, arXiv:1607.06450) of each pixel's channels: no statistics of the image, whose level a
    network so keeps.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape (n, channels, y, x)."""
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _Pair(nn.Module):
    """Two convolutions with their norms."""

    def __init__(self, inputs: int, outputs: int, norm: Callable[[int], nn.Module] = _norm) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(inputs, outputs, 3, padding=1), norm(outputs)
        self.second, self.second_norm = nn.Conv2d(outputs, outputs, 3, padding=1), norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.leaky_relu(self.first_norm(self.first(x)), _SLOPE)
        return functional.leaky_relu(self.second_norm(self.second(x)), _SLOPE)


class UNet(nn.Module):
    """Images (n, inputs, y, x) to (n, outputs, y, x), unbounded; any size, padded and cropped back.

    Parameters
    ----------
    inputs, outputs : int
        Channels; maps of noise are further inputs.
    width : int
        Channels at the finest level; the literature's is 64.
    levels : int
        Resolutions; each level halves the one above and doubles its channels, up to 8 `width`.
    dropout : float
        Share of the channels of the three coarsest growing levels that is dropped, in sampling too, where `forward` is
        given draws (arXiv:1611.07004, section 3.1).
    patch : int
        Pixels on a side that the first convolution folds into channels and the last unfolds: `patch`² times cheaper.
    detail : int
        Channels of two convolutions at the image's own resolution, which see what the U-net unfolds beside the image:
        edges as sharp as the image's, whatever `patch`; 0 for none.
    norm : str
        ``instance`` takes an image's level and contrast away, as a segmenter wants; ``pixel`` (`PixelNorm`) keeps them.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 16,
        levels: int = 5,
        dropout: float = 0.0,
        patch: int = 1,
        detail: int = 0,
        norm: str = "instance",
    ) -> None:
        super().__init__()
        made = {"instance": _norm, "pixel": PixelNorm}[norm]
        widths = [min(width << k, 8 * width) for k in range(levels)]
        self.dropout, self.patch, self.multiple = dropout, patch, patch << (levels - 1)
        self.down = nn.ModuleList(
            _Pair(before, here, made) for before, here in zip([inputs * patch * patch, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            _Pair(below + here, here, made) for below, here in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.exit = nn.Conv2d(widths[0], (detail or outputs) * patch * patch, 1)
        self.detail = _Detail(detail + inputs, detail, outputs) if detail else None
        self.channels_last = norm == "pixel"
        if self.channels_last:
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Tensor, draw: Drawn | None = None) -> Tensor:
        """Map images; `draw` gives the uniform numbers of dropout, none of which is dropped without it."""
        image, size = padded(image, self.multiple)
        if self.channels_last:
            image = image.contiguous(memory_format=torch.channels_last)
        hidden, kept = functional.pixel_unshuffle(image, self.patch), []
        for level, pair in enumerate(self.down):
            hidden = pair(functional.avg_pool2d(hidden, 2) if level else hidden)
            kept.append(hidden)
        kept.pop()
        for level, pair in enumerate(self.up):
            hidden = functional.interpolate(hidden, scale_factor=2, mode="nearest")
            hidden = pair(torch.cat((hidden, kept.pop()), dim=1))
            if draw is not None and self.dropout and level < 3:
                alive = draw((hidden.shape[1],), level) >= self.dropout
                hidden = hidden * alive.to(hidden.dtype)[..., None, None] / (1.0 - self.dropout)
        made = functional.pixel_shuffle(self.exit(hidden), self.patch)
        if self.detail is not None:
            with torch.autocast(image.device.type, enabled=False):  # small differences of large values
                kind = self.exit.weight.dtype
                made = self.detail(torch.cat((made.to(kind), image.to(kind)), dim=1))
        return cropped(made, size).contiguous()


class _Detail(nn.Module):
    """Two convolutions without norms, and what a single one gives."""

    def __init__(self, inputs: int, channels: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(inputs, channels, 3, padding=1), nn.Conv2d(channels, outputs, 3, padding=1)
        self.straight = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.straight(x) + self.second(functional.leaky_relu(self.first(x), _SLOPE))


class ResidualTranslator(nn.Module):
    """CycleGAN's generator: two halvings, residual blocks, two doublings; any size, padded and cropped back.

    Parameters
    ----------
    inputs, outputs : int
    width : int
        Channels of the finest stage; the literature's is 64.
    blocks : int
        Residual blocks; the literature's are 6 at 128 pixels and 9 at 256.
    """

    multiple = 4

    def __init__(self, inputs: int, outputs: int, *, width: int = 16, blocks: int = 6) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        self.entry = nn.Conv2d(inputs, width, 7, padding=3, padding_mode="reflect")
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(widths, widths[1:], strict=False))
        self.norms = nn.ModuleList(_norm(w) for w in widths)
        self.blocks = nn.ModuleList(_Residual(widths[-1]) for _ in range(blocks))
        self.grow = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.grown = nn.ModuleList(_norm(w) for w in widths[-2::-1])
        self.exit = nn.Conv2d(width, outputs, 7, padding=3, padding_mode="reflect")

    def forward(self, image: Tensor) -> Tensor:
        """Map images (n, inputs, y, x) to (n, outputs, y, x), unbounded."""
        image, size = padded(image, self.multiple)
        hidden = functional.relu(self.norms[0](self.entry(image)))
        for shrink, normalise in zip(self.shrink, self.norms[1:], strict=True):
            hidden = functional.relu(normalise(shrink(hidden)))
        for block in self.blocks:
            hidden = block(hidden)
        for grow, normalise in zip(self.grow, self.grown, strict=True):
            hidden = functional.interpolate(hidden, scale_factor=2, mode="nearest")
            hidden = functional.relu(normalise(grow(hidden)))
        return cropped(self.exit(hidden), size)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(channels, channels, 3, padding=1), _norm(channels)
        self.second, self.second_norm = nn.Conv2d(channels, channels, 3, padding=1), _norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second_norm(self.second(functional.relu(self.first_norm(self.first(x)))))


class PatchDiscriminator(nn.Module):
    """Scores of overlapping patches (PatchGAN): a map (n, y', x') of how real each patch looks.

    Parameters
    ----------
    channels : int
        Of the image, with those of what it was made from where the critic sees both.
    width : int
        Channels of the first stage; the literature's is 64.
    strides : sequence of int
        Of the 4 x 4 convolutions before the last two; (2, 2, 2) sees patches of 70 x 70 pixels, (2, 2) of 34 x 34.
    spectral : bool
        Hold the spectral norm of every convolution at 1 (Miyato et al. 2018, arXiv:1802.05957) and leave out the
        norms of features.
    """

    def __init__(
        self, channels: int, *, width: int = 16, strides: Sequence[int] = (2, 2, 2), spectral: bool = False
    ) -> None:
        super().__init__()
        widths = [min(width << k, 8 * width) for k in range(len(strides) + 1)]
        stages = [
            nn.Conv2d(before, here, 4, stride, 1)
            for before, here, stride in zip([channels, *widths], widths, [*strides, 1], strict=False)
        ]
        exit = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        if spectral:
            stages = [nn.utils.parametrizations.spectral_norm(stage) for stage in stages]
            exit = nn.utils.parametrizations.spectral_norm(exit)
        self.stages, self.exit = nn.ModuleList(stages), exit
        self.norms = nn.ModuleList(
            nn.Identity() if spectral or number == 0 else _norm(here) for number, here in enumerate(widths)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Scores (n, y', x') of images (n, channels, y, x)."""
        hidden = image
        for stage, normalise in zip(self.stages, self.norms, strict=True):
            hidden = functional.leaky_relu(normalise(stage(hidden)), _SLOPE)
        return self.exit(hidden)[:, 0]
