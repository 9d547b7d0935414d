"""Release and load weights: one safetensors file of codec and shipped networks, with its card beside it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..contract.errors import WeightsError
from ..io.atomic import replacing
from .cards import Card, count_parameters, file_sha256, verify, weights_file

if TYPE_CHECKING:
    from ..contract.plugin import Plugin
    from ..contract.recipe import Codec, Model

STORED = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
CODEC = "codec."


def save_release(model: Any, codec: Any, card: Card, path: str | Path, *, stored: str = "float32") -> Card:
    """Write the shipped submodules and the codec's buffers, and the completed card beside them.

    Parameters
    ----------
    model : nn.Module
        Its attribute `ships` names the submodules that `sample` needs.
    codec : nn.Module
        Fitted; its state goes under the prefix ``codec.`` in its own precision.
    card : Card
        Everything but sha256, parameters and bytes.
    path : path
        ``<recipe>.safetensors``; the card is ``<recipe>.json`` beside it.
    stored : {"float32", "float16", "bfloat16"}
        Precision of the networks' floating-point numbers on disk.

    Returns
    -------
    Card
        With sha256, parameters and bytes.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise WeightsError(f"{path}: unknown suffix {path.suffix!r}; expected .safetensors")
    if stored not in STORED:
        raise WeightsError(f"stored: {stored!r} is no precision; expected {', '.join(STORED)}")
    tensors = {f"{CODEC}{name}": _portable(tensor) for name, tensor in codec.state_dict().items()}
    for name, tensor in shipped_state(model).items():
        whole = _portable(tensor)
        tensors[name] = whole.to(STORED[stored]) if whole.is_floating_point() else whole
    made_for = {"plugin": card.plugin, "recipe": card.recipe, "version": card.version}
    with replacing(path, overwrite=True) as partial:
        save_file(tensors, partial, metadata={"surrogates": json.dumps(made_for, sort_keys=True)})
        whole_card = replace(
            card, sha256=file_sha256(partial), parameters=count_parameters(partial), bytes=partial.stat().st_size
        )
    whole_card.write(path.with_suffix(".json"))
    return whole_card


def copy_release(source: Path, target: Path) -> None:
    """Copy weights and their card, each put in place once whole.

    Weights whose released card names a package of weights go into that package again, as it is installed.
    """
    card = target.with_suffix(".json")
    weights, package = weights_file(card), Card.read(card).package if card.is_file() else ""
    with replacing(weights, overwrite=True) as partial:
        shutil.copyfile(source.with_suffix(".safetensors"), partial)
    made = Card.read(source.with_suffix(".json"))
    replace(made, package=package if weights.parent != card.parent else "").write(card)


def load_release(plugin: Plugin, path: str | Path, *, device: str = "cpu") -> tuple[Model, Codec, Card]:
    """Build a recipe's model and codec and fill them with released weights.

    Parameters
    ----------
    plugin : Plugin
    path : path
        ``<recipe>.safetensors`` with its card beside it; the sha256 is checked before anything is read.
    device : str

    Returns
    -------
    model, codec, card

    Raises
    ------
    WeightsError
        Missing, altered, or another plugin's, recipe's or version's weights.
    """
    path = Path(path)
    card = verify(path.with_suffix(".json"))
    try:
        plugin = card.described(plugin)
    except WeightsError as error:
        raise error.reworded(f"{path}: {error}") from None
    try:
        tensors = load_file(weights_file(path.with_suffix(".json")))
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: the weights do not read ({error})") from None
    recipe = plugin.recipes[card.recipe]
    codec: Any = (recipe.codec or plugin.codec)()
    fitted = {name.removeprefix(CODEC): tensor for name, tensor in tensors.items() if name.startswith(CODEC)}
    _fill(codec, fitted, path, "codec")
    model: Any = recipe.model(codec)
    networks = {name: tensor for name, tensor in tensors.items() if not name.startswith(CODEC)}
    _compare(set(shipped_state(model)), set(networks), path, "model")
    for name in model.ships:
        part = {key.removeprefix(f"{name}."): tensor for key, tensor in networks.items() if key.startswith(f"{name}.")}
        _fill(model.get_submodule(name), part, path, name)
    for module in (codec, model):
        module.to(device).eval().requires_grad_(False)
    return model, codec, card


def shipped_state(model: Any) -> dict[str, Tensor]:
    """State of the submodules that `model.ships` names, keys led by the submodule's name."""
    return {
        f"{name}.{key}": tensor
        for name in model.ships
        for key, tensor in model.get_submodule(name).state_dict().items()
    }


def _portable(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu").contiguous().clone()


def _compare(expected: set[str], found: set[str], path: Path, what: str) -> None:
    if expected != found:
        name = sorted(expected ^ found)[0]
        state = "lacks" if name in expected else "has an unknown"
        raise WeightsError(
            f"{path}: the file {state} {what} tensor {name!r}: weights of another version of this plugin; train anew"
        )


def _fill(module: nn.Module, tensors: dict[str, Tensor], path: Path, what: str) -> None:
    """Load `tensors`; a buffer takes the stored shape (fitted vocabularies vary), a parameter must agree."""
    _compare(set(module.state_dict()), set(tensors), path, what)
    buffers = dict(module.named_buffers())
    for name, tensor in tensors.items():
        own = module.state_dict()[name]
        if own.shape == tensor.shape:
            continue
        if name not in buffers:
            raise WeightsError(
                f"{path}: {what} tensor {name!r} has shape {tuple(tensor.shape)}, "
                f"this version expects {tuple(own.shape)}; train anew"
            )
        owner, _, leaf = name.rpartition(".")
        module.get_submodule(owner).register_buffer(leaf, torch.empty_like(tensor, dtype=own.dtype))
    module.load_state_dict(tensors)
