"""How the editor is trained: on exact counterfactuals of simulated galaxies, or on a folder of pictures with labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Codec, Phase, Recipe, configurable
from .counterfactuals import training
from .labelled import LAYOUT, found, labelled

if TYPE_CHECKING:
    from .network import Editor
    from .unpaired import LabelEditor

_MODULE = "surrogates.plugins.attribute_editing"


@dataclass(frozen=True)
class EditorOptions:
    """What `train --set` may change.

    Attributes
    ----------
    width : int
        Channels of the network at half of the size.
    updates : int
        Of 16 pairs each.
    """

    width: int = 16
    updates: int = 1000

    def __post_init__(self) -> None:
        if self.width < 8 or self.width % 8 or self.updates < 1:
            raise ValueError(f"{self}; expected a width that is a multiple of 8, and 1 update or more")


def _editor(codec: Codec, *, width: int) -> Editor:
    from .codec import NUMBERS
    from .network import Editor

    del codec
    return Editor(NUMBERS, width)


def counterfactual(options: EditorOptions) -> Recipe:
    """Pairs of a galaxy and the same one with something changed."""
    return Recipe(
        data=training,
        model=partial(_editor, width=options.width),
        phases=(
            Phase(
                deferred(f"{_MODULE}.network:learn"),
                options.updates,
                {"network": Adam(2e-3, betas=(0.9, 0.99), warmup=50)},
                average=0.99,
            ),
        ),
        batch_size=16,
        sample_batch=8,
        description="U-net that corrects an affine map; least absolute error against exact counterfactuals",
        use="Changing class, size, shape, brightness or colour of a simulated galaxy without noise or PSF. What the "
        "picture does not hold, such as the arms of an elliptical made a spiral, is a mean guess and blurred.",
        source="pairs of galaxy-images by its default surrogate: the same seed, attributes changed",
    )


@dataclass(frozen=True)
class LabelOptions:
    """What `train --set` may change.

    Attributes
    ----------
    width : int
    updates : int
        Of 16 pictures each.
    classifier : float
        Weight of the labels beside the absolute error.
    """

    width: int = 24
    updates: int = 20_000
    classifier: float = 0.05

    def __post_init__(self) -> None:
        if self.width < 8 or self.width % 8 or self.updates < 1 or self.classifier < 0:
            raise ValueError(f"{self}; expected a width of a multiple of 8, 1 update or more, a weight")


def _label_editor(codec: Codec, *, options: LabelOptions) -> LabelEditor:
    from .unpaired import LabelEditor

    return LabelEditor(len(codec.labels), options.width, options.classifier)  # type: ignore[attr-defined]


def labels(options: LabelOptions) -> Recipe:
    """Pictures with labels that are on or off, no pairs."""
    return Recipe(
        data=None,
        model=partial(_label_editor, options=options),
        phases=(
            Phase(
                deferred(f"{_MODULE}.unpaired:learn"),
                options.updates,
                {
                    "judge": Adam(5e-4, betas=(0.5, 0.99), clip=5.0, warmup=50),
                    "network": Adam(5e-4, betas=(0.5, 0.99), clip=5.0, warmup=50),
                },
                average=0.995,
            ),
        ),
        batch_size=16,
        sample_batch=8,
        learns=labelled,
        layout=LAYOUT,
        schema=found,
        description="encoder-decoder told which labels to have; absolute error, a classifier and a discriminator",
        use="A start for pictures of your own: unpaired labels say what goes together, not what causes what.",
        source="a folder of pictures and their labels",
    )


RECIPES = {
    "counterfactual": configurable(counterfactual, EditorOptions()),
    "labels": configurable(labels, LabelOptions()),
}
