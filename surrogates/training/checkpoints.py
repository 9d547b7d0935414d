"""Checkpoints of a training run: written whole or not at all, read without unpickling code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..contract.errors import SurrogatesError

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


class CheckpointError(SurrogatesError, ValueError):
    """A checkpoint that cannot be used; one line that says why and what to do."""


def save_checkpoint(run_dir: Path, state: Mapping[str, Any]) -> Path:
    """Write ``checkpoint.pt`` atomically: a temporary file, fsync, rename."""
    path, partial = run_dir / CHECKPOINT, run_dir / f".{CHECKPOINT}.partial"
    with partial.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def load_checkpoint(run_dir: str | Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read ``checkpoint.pt`` of a run.

    Raises
    ------
    CheckpointError
        Missing or unreadable.
    """
    path = Path(run_dir) / CHECKPOINT
    if not path.exists():
        raise CheckpointError(f"{path}: no checkpoint; train into this folder first")
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(f"{path}: does not read ({type(error).__name__}); remove it to train anew") from None


def check_fingerprint(path: Path, saved: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    """Refuse to resume a run whose settings differ, naming the first difference."""
    for name, value in mine.items():
        if saved.get(name) != value:
            raise CheckpointError(
                f"{path}: was trained with {name} = {saved.get(name)!r}, now {value!r}; use the same or another folder"
            )


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load `state`; buffers take the stored shapes, for fitted vocabularies vary in length."""
    for name, buffer in list(module.named_buffers()):
        if name in state and state[name].shape != buffer.shape:
            owner, _, leaf = name.rpartition(".")
            module.get_submodule(owner).register_buffer(leaf, state[name].clone())
    module.load_state_dict(dict(state))


def shipped_averages(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Averaged weights and buffers of the shipped submodules, keys led by the submodule's name."""
    prefixes = tuple(f"{name}." for name in state["ships"])
    return {
        name: state["averages"].get(name, tensor)
        for name, tensor in state["model"].items()
        if name.startswith(prefixes)
    }


def read_log(run_dir: str | Path) -> list[dict[str, Any]]:
    """The run's log, one mapping a line; a line cut short by a kill is left out."""
    path = Path(run_dir) / LOG
    lines = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return lines


def rewind_log(run_dir: Path, phase: int, step: int) -> None:
    """Drop the lines at or after (phase, step), which a resumed run writes again."""
    path, partial = run_dir / LOG, run_dir / f".{LOG}.partial"
    kept = [line for line in read_log(run_dir) if (line["phase"], line["step"]) < (phase, step)]
    partial.write_text("".join(json.dumps(line) + "\n" for line in kept))
    partial.replace(path)
