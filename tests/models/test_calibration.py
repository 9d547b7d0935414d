"""Calibration of marginals: identity at the start, monotone, and learned from samples of the wrong shape."""

import torch

from surrogates.models.calibration import Calibration


def test_new_calibration_is_the_identity():
    values = torch.rand(50, 3, generator=torch.Generator().manual_seed(1))
    label, number = torch.arange(50) % 2, torch.linspace(-1, 1, 50)
    assert torch.allclose(Calibration(3, labels=2, anchors=(-1, 0, 1))(values, label, number), values, atol=1e-6)


def test_any_parameters_keep_order_and_range():
    calibration = Calibration(1, labels=1, anchors=(0, 1), bins=8)
    draw = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in calibration.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw))
    values = torch.linspace(0, 1, 200)[:, None]
    label = torch.zeros(200, dtype=torch.int64)
    found = calibration(values, label, torch.full((200,), 0.7))[:, 0]
    assert (found.diff() > 0).all() and found[0] >= 0 and found[-1] <= 1


def test_learned_maps_carry_each_label_and_number_to_its_truth():
    calibration = Calibration(1, labels=2, anchors=(-1, 0, 1), bins=16)
    optimiser = torch.optim.Adam(calibration.parameters(), 0.1)
    draw = torch.Generator().manual_seed(3)

    def batch(n):
        label = torch.randint(2, (n,), generator=draw)
        number = 2 * torch.rand(n, generator=draw) - 1
        made, true = (torch.rand(n, generator=draw) for _ in range(2))
        return (
            made[:, None] ** (1.0 + 0.6 * label[:, None]),
            true[:, None] ** (1.3 + 0.2 * number[:, None]),
            label,
            number,
        )

    for step in range(600):
        for group in optimiser.param_groups:
            group["lr"] = 0.1 * (1 - step / 600)
        optimiser.zero_grad()
        calibration.loss(*batch(512)).mean().backward()
        optimiser.step()
    made, true, label, number = batch(60_000)
    with torch.no_grad():
        found = calibration(made, label, number)
    asked = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])
    for kind in (0, 1):
        for side in (number < 0, number > 0):
            rows = (label == kind) & side
            wanted = true[rows].quantile(asked)
            before, after = ((values[rows].quantile(asked) - wanted).abs().mean() for values in (made, found))
            assert after < 0.02 and after < 0.5 * before
