"""Checkpoints of a training run: written whole or not at all, read without unpickling code."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..contract.errors import SurrogatesError
from ..io.atomic import output_error, remove_leftovers, whole

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
_ENTRIES = {
    "phase": int, "step": int, "fingerprint": dict, "ships": list, "model": dict, "averages": dict, "begun": dict,
    "optimisers": dict, "codec": dict,
}  # fmt: skip


class CheckpointError(SurrogatesError, ValueError):
    """A checkpoint that cannot be used; one line that says why and what to do."""


def save_checkpoint(run_dir: Path, state: Mapping[str, Any]) -> Path:
    """Write ``checkpoint.pt`` whole or not at all.

    Raises
    ------
    CheckpointError
        It cannot be written, the disk is full for one.
    """
    path = run_dir / CHECKPOINT
    remove_leftovers(path)
    try:
        with whole(path) as temporary:
            torch.save(dict(state), temporary)
    except (OSError, RuntimeError) as error:  # torch's own writer says a full disk in a RuntimeError
        reason = error if isinstance(error, OSError) else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        kept = "; the checkpoint before it is kept" if path.exists() else ""
        raise CheckpointError(f"{output_error(path, reason)}{kept}") from error
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
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(f"{path}: does not read ({type(error).__name__}); remove it to train anew") from None
    for name, kind in _ENTRIES.items():
        if not isinstance(state, dict) or not isinstance(state.get(name), kind):
            raise CheckpointError(f"{path}: no checkpoint of ours ({name!r} is missing); remove it to train anew")
    return state


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
    """The run's log, one mapping a line; a line cut short by a kill, or damaged, is left out."""
    path = Path(run_dir) / LOG
    lines = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and all(isinstance(found.get(key), int) for key in ("phase", "step")):
            lines.append(found)
    return lines


def rewind_log(run_dir: Path, phase: int, step: int) -> None:
    """Drop the lines at or after (phase, step), which a resumed run writes again."""
    kept = [line for line in read_log(run_dir) if (line["phase"], line["step"]) < (phase, step)]
    with whole(run_dir / LOG) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in kept))
