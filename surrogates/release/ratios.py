"""Weights of samples beside a recipe's own: a learned likelihood ratio, for one release and no other."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ..contract.errors import WeightsError
from ..io.atomic import replacing
from ..models.likelihood_ratio import LikelihoodRatio

KEY = "surrogates_ratio"


@dataclass(frozen=True)
class RatioCard:
    """What a likelihood ratio was learned for and reaches, on samples that it never saw.

    Attributes
    ----------
    plugin, recipe : str
    sha256 : str
        Of the weights whose samples it weighs.
    options : dict
        Sampler options that they were drawn with.
    features : tuple of str
        What the classifier sees, in order.
    n : int
        Samples of each side, of which half train it, a quarter calibrate it and a quarter are measured.
    seed : int
    width : int
    gain, gain_error : float
        Cross-entropy below that of knowing nothing, bits a sample.
    auc, auc_chosen : float
        Boosting on the same features between truth and samples, and between truth and samples chosen by weight.
    effective : float
        Effective sample size over the number of samples.
    largest : float
        Weight at which larger ones are cut.
    """

    plugin: str
    recipe: str
    sha256: str
    options: dict[str, Any]
    features: tuple[str, ...]
    n: int
    seed: int
    width: int
    gain: float
    gain_error: float
    auc: float
    auc_chosen: float
    effective: float
    largest: float


def ratio_file(weights: Path) -> Path:
    """Where the ratio of a release lies: ``<recipe>.ratio.safetensors`` beside ``<recipe>.safetensors``."""
    return weights.with_suffix(".ratio.safetensors")


def save_ratio(ratio: LikelihoodRatio, card: RatioCard, path: Path, *, overwrite: bool = False) -> None:
    """Write a ratio with its card inside.

    Raises
    ------
    OutputError
        The file exists or cannot be written.
    """
    tensors = {name: tensor.detach().contiguous() for name, tensor in ratio.state_dict().items()}
    with replacing(path, overwrite=overwrite) as temporary:
        save_file(tensors, temporary, metadata={KEY: json.dumps(asdict(card), sort_keys=True)})


def load_ratio(path: Path, *, sha256: str) -> tuple[LikelihoodRatio, RatioCard]:
    """The ratio of `path`, which must belong to weights of this sha256.

    Raises
    ------
    WeightsError
        There is none, it does not read, or it was learned for other weights.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no weights of samples; fit them with `surrogates train NAME --reweight`")
    try:
        with safe_open(str(path), framework="pt") as stored:
            told = json.loads((stored.metadata() or {})[KEY])
        card = RatioCard(**{**told, "features": tuple(told["features"])})
        ratio = LikelihoodRatio(len(card.features), card.width)
        ratio.load_state_dict(load_file(path))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: weights of samples do not read ({error})") from None
    if card.sha256 != sha256:
        raise WeightsError(
            f"{path}: learned for other weights of {card.plugin}/{card.recipe} ({card.sha256[:12]}…, these are "
            f"{sha256[:12]}…); fit them again with `surrogates train {card.plugin} --reweight`"
        )
    return ratio.eval().requires_grad_(False), card
