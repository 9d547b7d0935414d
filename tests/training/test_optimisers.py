"""Muon steps the matrices of hidden layers, Adam all else, by one schedule; a run with both resumes to equal bits."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_training import Cloud, cloud_recipe, losses, run, same_weights
from torch import nn

from surrogates.contract.errors import PluginError
from surrogates.contract.recipe import Adam, Muon
from surrogates.training.loop import TrainingError
from surrogates.training.optimisers import optimiser_of


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(5, 8)
        self.layers = nn.ModuleList([nn.Linear(8, 8), nn.Embedding(3, 8)])
        self.exit = nn.Linear(8, 2)


def stepped(settings: Adam, rate: float, steps: int = 1) -> tuple[Reader, Reader]:
    before, after = Reader(), Reader()
    optimiser = optimiser_of(after, settings, fused=True)
    for _ in range(steps):
        for number, parameter in enumerate(after.parameters()):
            parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
        optimiser.step(rate)
    return before, after


def test_a_matrix_moves_along_an_orthogonal_direction_and_all_else_by_adam():
    before, after = stepped(Muon(1e-3, matrices=4e-3), 1e-3)
    _, plain = stepped(Adam(1e-3), 1e-3)
    for (name, old), new, other in zip(before.named_parameters(), after.parameters(), plain.parameters(), strict=True):
        assert torch.equal(new, other) == (name != "layers.0.weight"), name
        assert not torch.equal(old, new)
    moved = (before.layers[0].weight - after.layers[0].weight).detach()  # type: ignore[operator]
    values = torch.linalg.svdvals(moved.double())  # type: ignore[arg-type]
    assert 0.5 < float(values.min() / values.max()) <= 1.0
    assert float(moved.square().mean().sqrt()) == pytest.approx(0.2 * 4e-3, rel=0.25)  # as large as Adam's steps


def test_the_schedule_scales_both_rates():
    before, full = stepped(Muon(1e-3, matrices=4e-3), 1e-3)
    _, half = stepped(Muon(1e-3, matrices=4e-3), 5e-4)
    for old, whole, part in zip(before.parameters(), full.parameters(), half.parameters(), strict=True):
        torch.testing.assert_close((old - part) * 2.0, old - whole, rtol=1e-3, atol=1e-6)


def test_a_submodule_without_matrices_is_refused(tmp_path: Path):
    with pytest.raises(PluginError, match="inside: 'nothing' has no matrix"):
        optimiser_of(Reader(), Muon(inside="nothing"), fused=False)
    recipe = cloud_recipe()
    phases = (replace(recipe.phases[0], optimisers={"teacher": Muon(inside="nothing")}),)
    with pytest.raises(TrainingError, match="teacher: inside: 'nothing'"):
        run(tmp_path, replace(recipe, phases=phases))


def test_a_run_with_muon_resumes_to_equal_weights(tmp_path: Path):
    recipe = cloud_recipe()
    inside = next(
        name for name, part in Cloud().teacher.named_children() if any(p.ndim == 2 for p in part.parameters())
    )
    phases = (replace(recipe.phases[0], optimisers={"teacher": Muon(3e-3, warmup=5, inside=inside)}), recipe.phases[1])
    recipe = replace(recipe, phases=phases)
    run(tmp_path / "whole", recipe)
    run(tmp_path / "parts", recipe, stop_after=13)
    run(tmp_path / "parts", recipe)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert same_weights(tmp_path / "parts", tmp_path / "whole")
