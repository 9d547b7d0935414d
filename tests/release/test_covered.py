"""A card says what its weights may be asked; what was edited behind its back is refused."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from surrogates import registry
from surrogates.contract.errors import WeightsError
from surrogates.release.cards import Card, read_header, verify

WEIGHTS = Path(str(files("muon_decay"))) / "weights"


@pytest.fixture
def copied(tmp_path) -> Path:
    for path in WEIGHTS.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path / "flow.json"


def edit(path: Path, **changed) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed, indent=1, sort_keys=True))


def test_every_released_card_is_covered():
    for entry in registry.plugins():
        for path in entry.weights.glob("*.json"):
            verify(path)


@pytest.mark.parametrize(
    "changed",
    [{"trained_range": {"muon_momentum": [0.0, 1e6]}},
     {"unseen": ["polarisation"]}, {"covered": ""}, {"options": {"a": 1}}],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_a_widened_card_is_refused(copied, changed):
    edit(copied, **changed)
    with pytest.raises(WeightsError, match=r"flow.json: the card .*`covered`.*extrapolate=True"):
        verify(copied)


def test_words_and_figures_may_be_edited_and_a_card_written_again_is_covered(copied):
    edit(copied, notes=["a word more"])
    card = verify(copied)
    card.write(copied)
    assert verify(copied) == card == Card.read(copied)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"version": 1, "a": ' + "[" * 100_000, "[]", '{"version": 1}'])
def test_a_nested_or_foreign_card_is_one_line(copied, text):
    copied.write_text(text)
    with pytest.raises(WeightsError, match="card"):
        verify(copied)


@pytest.mark.parametrize("header", [b"[" * 100_000, b'{"a": ' + b"[" * 100_000, b"[]", b'{"a": 1}'])
def test_a_nested_header_of_weights_is_one_line(tmp_path, header):
    path = tmp_path / "flow.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(WeightsError, match="no safetensors file"):
        read_header(path)


@pytest.mark.parametrize("changed", [{"sha256": 5}, {"plugin": None}, {"trained_range": {"energy": "wide"}}])
def test_a_card_of_wrong_types_is_one_line(copied, changed):
    edit(copied, **changed)
    with pytest.raises(WeightsError, match="card"):
        verify(copied)
