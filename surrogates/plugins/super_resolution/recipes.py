"""How the network that enlarges is trained: on tiles of photographs, to the least absolute error, and with a critic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Muon, Phase, Recipe, configurable
from .compressed.recipes import CompressedOptions, jpeg
from .photographs import tiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from .network import SuperResolution
    from .sharpening import SharpSuperResolution


@dataclass(frozen=True)
class UpscalerOptions:
    """What `train --set` may change.

    Attributes
    ----------
    width, layers : int
        Of the network; the literature's has 64 channels and 32 convolutions.
    updates : int
        16 crops of 32 x 32 small pixels each.
    rate : float
        Largest learning rate of the kernels.
    """

    width: int = 40
    layers: int = 8
    updates: int = 1400
    rate: float = 1.5e-2

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.updates) < 1:
            raise ValueError(f"width {self.width}, layers {self.layers}, updates {self.updates}; expected 1 or more")


def _model(codec: Codec, *, width: int, layers: int) -> SuperResolution:
    from .network import SuperResolution

    del codec
    return SuperResolution(width, layers)


def _recipe(options: UpscalerOptions, *further: Phase, start: Callable[[Any], None] | None = None, **more) -> Recipe:
    optimiser = Muon(1e-3, matrices=options.rate, inside="layers", betas=(0.9, 0.99), clip=0.5, warmup=50)
    learn = deferred("surrogates.plugins.super_resolution.network:learn")
    return Recipe(
        data=None,
        phases=(Phase(learn, options.updates, {"network": optimiser}, start, average=0.998), *further),
        batch_size=16,
        sample_batch=1,
        learns=tiles,
        layout="a folder of photographs (PNG, JPEG, WebP, TIFF), sub-folders too",
        source="a folder of photographs",
        **more,
    )


def fidelity(options: UpscalerOptions) -> Recipe:
    """The least absolute error of luminance and colour."""
    return _recipe(
        options,
        model=partial(_model, width=options.width, layers=options.layers),
        description="convolutions at the small size and a sub-pixel one, added to cubic interpolation; least L1",
        use="Enlarging photographs that were reduced cleanly: nearest to the original on average, and smooth where "
        "nothing is known. Not for JPEG artefacts or noise, which it keeps, and no detail that was lost is invented.",
    )


@dataclass(frozen=True)
class SharpOptions(UpscalerOptions):
    """What `train --set` may change.

    Attributes
    ----------
    sharpening : int
        Updates with the critic, behind those to the least error.
    features : str
        A file of VGG weights whose features are compared, in place of the packaged classifier's.
    """

    sharpening: int = 240
    features: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sharpening < 1:
            raise ValueError(f"sharpening {self.sharpening}; expected 1 or more")


def _sharp_model(codec: Codec, *, options: SharpOptions) -> SharpSuperResolution:
    from .sharpening import SharpSuperResolution

    del codec
    return SharpSuperResolution(options.width, options.layers, options.features)


def gan(options: SharpOptions) -> Recipe:
    """The same network, then made sharp by a critic and by features."""
    step = deferred("surrogates.plugins.super_resolution.sharpening:sharpen")
    adam = Adam(4e-4, betas=(0.5, 0.99), warmup=20, final_fraction=0.1)
    return _recipe(
        options,
        Phase(step, options.sharpening, {"critic": adam, "network": Adam(2e-4, betas=(0.5, 0.99))}, average=0.99),
        start=deferred("surrogates.plugins.super_resolution.sharpening:open_features"),
        model=partial(_sharp_model, options=options),
        description="the same network, made sharp by a critic of patches and a classifier's features",
        use="Pictures to look at: nearer to photographs in sharpness than the default (.84 of it on Set5, the "
        "default .70) and .9 dB farther from them. Its texture is invented: foliage gets fine stripes that no "
        "photograph has. There is nothing to measure on.",
    )


RECIPES = {
    "fidelity": configurable(fidelity, UpscalerOptions()),
    "gan": configurable(gan, SharpOptions()),
    "jpeg": configurable(jpeg, CompressedOptions()),
    "jpeg-x2": configurable(jpeg, CompressedOptions(scale=2)),
}
