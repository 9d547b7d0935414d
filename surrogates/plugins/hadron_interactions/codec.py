"""From a chain of particles to a record: momenta closed exactly, neutral kaons named, the remnant added."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ...physics.hadrons import beams, species
from ...physics.hadrons.closing import closed
from .variables import CAP

Tensors = dict[str, Tensor]


class InteractionCodec(nn.Module):
    """Codec of interactions; nothing is fitted, every number is UrQMD's or physics."""

    def fit(self, pools: Sequence[Tensors]) -> None:
        """Nothing to fit."""

    def encode(self, physical: Tensors) -> Tensors:
        """Conditions and training chains as they are."""
        return dict(physical)

    def decode(self, encoded: Tensors, conditions: Tensors) -> Tensors:
        """Records in the output schema (float64): particles by falling energy, the remnant last."""
        projectile, target = (conditions[name].long().cpu() for name in ("projectile", "target"))
        # one width whatever the longest chain beside it: the last bits of sums depend on how many numbers they have
        kinds = pad(encoded["species"], (0, CAP - encoded["species"].shape[1]), value=-1)
        n, longest = kinds.shape
        device = kinds.device
        real, kind = kinds >= 0, kinds.clamp(min=0)
        left = torch.as_tensor(beams.TARGET_A)[target].to(device) - encoded["struck"]
        charge_left = torch.as_tensor(beams.TARGET_Z)[target].to(device) - encoded["struck_protons"]
        pt, turn = encoded["remnant_pt"].double(), encoded["azimuth"].double()
        remnant = torch.stack(
            (
                pt,
                torch.zeros_like(pt),
                encoded["remnant_pz"].double(),
                torch.as_tensor(beams.BOUND_ENERGY)[target].to(device) * left,
            ),
            dim=-1,
        )
        total = beams.total_momentum(projectile.numpy(), conditions["energy"].double().cpu().numpy(), target.numpy())
        mass = torch.as_tensor(species.MASS, device=device)[kind]
        px, py, plus, long = (
            pad(encoded[name].double(), (0, CAP - encoded[name].shape[1])) for name in ("px", "py", "plus", "long")
        )
        mt2 = mass**2 + px**2 + py**2
        rapidity = torch.log(plus.clamp(min=1e-12)) - 0.5 * torch.log(mt2)
        momenta = closed(mass, px, py, rapidity, real, torch.as_tensor(total, device=device) - remnant)
        ids = torch.as_tensor(species.IDS, device=device)[kind]
        kaon = torch.where(long < 0.5, species.K_SHORT, species.K_LONG)
        ids = torch.where(ids.abs() == species.K_ZERO, kaon, ids)
        columns = {
            "pdg_id": torch.where(real, ids, 0),
            "charge": torch.where(real, torch.as_tensor(species.CHARGE, device=device)[kind], 0),
            "mass": mass * real,
            **dict(zip(("px", "py", "pz", "E"), momenta, strict=True)),
        }
        order = torch.argsort(columns["E"], dim=1, descending=True, stable=True)
        rows, slot = torch.arange(n, device=device), encoded["particles"]
        some = left > 0
        added = {
            "pdg_id": beams.NUCLEUS + 10_000 * charge_left + 10 * left,
            "charge": charge_left,
            "mass": torch.sqrt((remnant[:, 3] ** 2 - (remnant[:, :3] ** 2).sum(-1)).clamp(min=0.0)),
            **{name: remnant[:, k] for k, name in enumerate(("px", "py", "pz", "E"))},
        }
        found: Tensors = {"n_particles": slot + some}
        for name, values in columns.items():
            padded = torch.zeros((n, CAP), dtype=values.dtype, device=device)
            padded[:, :longest] = values.gather(1, order)
            padded[rows[some], slot[some]] = added[name][some].to(values.dtype)
            found[name] = padded
        cosine, sine = torch.cos(turn)[:, None], torch.sin(turn)[:, None]
        px, py = found["px"], found["py"]
        found["px"], found["py"] = cosine * px - sine * py, sine * px + cosine * py
        return found
