"""A card is plain data that tells what weights are; weights that do not fit their card are refused."""

import json
import math
import shutil
from dataclasses import replace

import pytest
import torch
from torch import nn

from surrogates import registry
from surrogates.contract.errors import WeightsError
from surrogates.contract.findings import Anchor, Finding, Target
from surrogates.release.cards import Card, Speed, count_parameters, file_sha256, read_header, verify, weights_file
from surrogates.release.weights import load_release, save_release
from surrogates.reporting.card_markdown import findings_table, markdown

SHIPPED = [
    pytest.param(entry.weights / f"{card.recipe}.json", id=f"{entry.name}/{card.recipe}")
    for entry in registry.plugins()
    for card in entry.cards()
]
CARD = Card(
    plugin="p",
    recipe="r",
    title="a title",
    trained_range={"energy": (10.0, 250.0)},
    seed=7,
    packages={"torch": "2.13.0"},
    findings=(Finding("w1", 0.5, floor=0.1, limit=0.2, n=50_000, error=0.01, units="GeV", passed=False),),
    speed=(Speed("surrogate", 1000, 0.5, 0.6, batch=1024), Speed("reference", 100, 5.0, 5.0)),
    baselines={"noise": {"w1": 9.0}},
    anchors=(Anchor("w1", "0.3", "somebody 2024"),),
    notes=("a note | with a bar",),
)


@pytest.mark.parametrize("path", SHIPPED)
def test_every_shipped_card_recounts(path):
    card = verify(path)
    header = read_header(weights_file(path))
    elements = sum(
        math.prod(item["shape"])
        for name, item in header.items()
        if name != "__metadata__" and not name.startswith("codec.")
    )
    assert card.parameters == elements > 0
    assert card.bytes == weights_file(path).stat().st_size <= 15_000_000
    assert card.recipe == path.stem


def test_a_card_survives_json(tmp_path):
    CARD.write(tmp_path / "r.json")
    assert Card.read(tmp_path / "r.json") == CARD


def test_a_number_that_is_not_finite_is_null_on_disk(tmp_path):
    card = replace(CARD, findings=(Finding("w1", math.nan, passed=False),))
    card.write(tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text())["findings"][0]["value"] is None
    assert math.isnan(Card.read(tmp_path / "r.json").findings[0].value)


@pytest.mark.parametrize(
    ("target", "value", "floor", "limit", "passed"),
    [
        (Target(10, at_most=1.0), 0.9, None, 1.0, True),
        (Target(10, at_most=1.0), 1.1, None, 1.0, False),
        (Target(10, floors=2.0), 0.19, 0.1, 0.2, True),
        (Target(10, floors=2.0), 0.21, 0.1, 0.2, False),
        (Target(10, at_most=0.15, floors=2.0), 0.19, 0.1, 0.15, False),
        (Target(10, floors=2.0), 0.1, None, None, False),
        (Target(10, at_least=0.8), 0.7, 0.9, 0.8, False),
        (Target(10, at_least=0.8), 0.85, 0.9, 0.8, True),
        (Target(10, at_most=1.0), math.nan, None, 1.0, False),
        (Target(10), 5.0, 0.1, None, None),
    ],
)
def test_a_figure_is_held_against_its_target(target, value, floor, limit, passed):
    finding = Finding.against("w1", value, target, n=10, floor=floor)
    assert finding.limit == pytest.approx(limit) if limit is not None else finding.limit is None
    assert finding.passed is passed
    assert finding.verdict.startswith({True: "met", False: "not met (", None: "not asked"}[passed])


def test_markdown_prints_what_is_not_met_and_the_floor():
    text = markdown(CARD)
    assert "| w1 | 0.5 ± 0.01 | 0.1 | <= 0.2 | GeV | 50,000 | not met (0.5 > 0.2) |" in text
    assert "| surrogate | 2,000 | 100 x |" in text
    assert "| w1 | 0.5 | 9 |" in text
    assert "somebody 2024" in text and "- a note | with a bar" in text
    assert findings_table(()).count("\n") == 1


class Scale(nn.Module):
    """A codec with a fitted vocabulary whose length only the data knows."""

    def __init__(self, words: int = 0) -> None:
        super().__init__()
        self.register_buffer("scale", torch.full((1,), 1 / 3, dtype=torch.float64))
        self.register_buffer("words", torch.arange(words))


class Net(nn.Module):
    """A model of which one submodule ships and a critic stays behind."""

    ships = ("generator",)

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))
        self.critic = nn.Linear(width, 1)


def plugin_of(width: int = 3):
    plugin = registry.plugin("muon-decay")
    recipe = replace(plugin.recipes["flow"], model=lambda codec: Net(width))
    return replace(plugin, name="p", recipes={"r": recipe}, codec=lambda: Scale())


@pytest.fixture
def released(tmp_path):
    torch.manual_seed(0)
    net = Net()
    path = tmp_path / "r.safetensors"
    return net, save_release(net, Scale(words=5), CARD, path), path


def test_released_weights_come_back(released):
    net, card, path = released
    model, codec, found = load_release(plugin_of(), path)
    assert found == card
    for name, tensor in net.generator.state_dict().items():
        assert torch.equal(tensor, model.generator.state_dict()[name])
    assert codec.words.tolist() == [0, 1, 2, 3, 4]
    assert codec.scale.dtype == torch.float64 and float(codec.scale) == 1 / 3
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_card_counts_what_ships(released):
    net, card, path = released
    assert card.parameters == sum(t.numel() for t in net.generator.state_dict().values()) == count_parameters(path)
    assert not any(name.startswith("critic") for name in read_header(path))


def test_equal_weights_give_an_equal_file(released, tmp_path):
    net, card, path = released
    again = tmp_path / "again.safetensors"
    save_release(net, Scale(words=5), CARD, again)
    assert file_sha256(again) == file_sha256(path) == card.sha256
    assert list(read_header(path)["__metadata__"]) == ["surrogates"]


@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
def test_half_precision_halves_the_networks_and_spares_the_codec(stored, tmp_path):
    net = Net(width=100)
    small = save_release(net, Scale(), CARD, tmp_path / "r.safetensors", stored=stored)
    large = save_release(net, Scale(), CARD, tmp_path / "whole.safetensors")
    assert small.bytes < 0.75 * large.bytes
    model, codec, _ = load_release(plugin_of(100), tmp_path / "r.safetensors")
    weight = model.generator[0].weight
    assert weight.dtype == torch.float32
    assert torch.allclose(weight, net.generator[0].weight, rtol=1e-2, atol=1e-3)
    assert float(codec.scale) == 1 / 3


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_altered_weights_are_refused(released):
    _, _, path = released
    content = bytearray(path.read_bytes())
    content[-3] ^= 16
    path.write_bytes(content)
    with pytest.raises(WeightsError) as error:
        load_release(plugin_of(), path)
    assert "altered weights, sha256" in one_line(error)


def test_truncated_and_missing_weights_are_refused(released):
    _, card, path = released
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(WeightsError, match="altered"):
        verify(path.with_suffix(".json"))
    with pytest.raises(WeightsError, match="no safetensors file"):
        read_header(path)
    path.unlink()
    with pytest.raises(WeightsError, match="no such weights"):
        verify(path.with_suffix(".json"))
    path.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match="no such card"):
        load_release(plugin_of(), path)


def test_weights_of_another_plugin_recipe_or_version_are_refused(released, tmp_path):
    _, card, path = released
    with pytest.raises(WeightsError, match="weights of plugin 'p'; expected 'q'"):
        load_release(replace(plugin_of(), name="q"), path)
    with pytest.raises(WeightsError, match="weights of recipe 'r'"):
        load_release(replace(plugin_of(), recipes={"s": plugin_of().recipes["r"]}), path)
    replace(card, version=0).write(path.with_suffix(".json"))
    with pytest.raises(WeightsError, match="weights of version 0; this release reads version"):
        load_release(plugin_of(), path)
    other = tmp_path / "other.safetensors"
    shutil.copy(path, other)
    replace(card, recipe="other").write(other.with_suffix(".json"))
    with pytest.raises(WeightsError, match="made for recipe 'r', the card says 'other'"):
        verify(other.with_suffix(".json"))


def test_weights_of_another_network_are_refused(released):
    _, _, path = released
    with pytest.raises(WeightsError, match=r"generator tensor '0.bias' has shape \(3,\), this version expects \(4,\)"):
        load_release(plugin_of(4), path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "plugin": "p"}', '{"version": 1, "no": 1}', "\x00"])
def test_a_broken_card_is_refused(text, tmp_path):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(WeightsError) as error:
        Card.read(tmp_path / "r.json")
    one_line(error)
