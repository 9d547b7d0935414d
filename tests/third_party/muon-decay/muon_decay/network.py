"""What is learned and what is exact: a spline flow for the rest-frame spectrum, arithmetic for frame and lifetime."""

from __future__ import annotations

import torch
from torch import nn

from surrogates.models.coupling import SplineCoupling

from .plugin import LARGEST_ENERGY, MUON_LIFETIME, MUON_MASS, POSITRON_MASS


class RestFrame(nn.Module):
    """Laboratory to rest frame and back; decode ends on the mass shell."""

    def fit(self, pools) -> None:
        """Nothing to fit: all numbers are the particles' own."""

    def encode(self, physical):
        """Spectrum in the unit square, lifetimes, and the polarisation."""
        encoded = {}
        if "polarisation" in physical:
            encoded["polarisation"] = physical["polarisation"].float()[:, None]
        if "positron_energy" in physical:
            gamma, drift = boost(physical)
            energy = gamma * physical["positron_energy"] - drift * physical["positron_pz"]
            along = gamma * physical["positron_pz"] - drift * physical["positron_energy"]
            cosine = along / torch.hypot(along, physical["positron_pt"]).clamp_min(1e-15)
            encoded["spectrum"] = torch.stack((energy / LARGEST_ENERGY, (1 + cosine) / 2), dim=1).float()
            encoded["lifetimes"] = physical["decay_time"] / (gamma * MUON_LIFETIME)
        return encoded

    def decode(self, encoded, conditions):
        """Boost to the laboratory in float64."""
        gamma, drift = boost(conditions)
        x, forward = encoded["spectrum"].double().clamp(0, 1).unbind(dim=1)
        energy = (x * LARGEST_ENERGY).clamp_min(POSITRON_MASS)
        size = torch.sqrt((energy - POSITRON_MASS) * (energy + POSITRON_MASS))
        pz, pt = size * (2 * forward - 1), 2 * size * torch.sqrt(forward * (1 - forward))
        lab_pz = gamma * pz + drift * energy
        return {
            "positron_energy": torch.sqrt(lab_pz**2 + pt**2 + POSITRON_MASS**2),
            "positron_pz": lab_pz,
            "positron_pt": pt,
            "decay_time": encoded["lifetimes"] * gamma * MUON_LIFETIME,
        }


def boost(conditions):
    """gamma and gamma * beta of the muon."""
    drift = conditions["muon_momentum"] / MUON_MASS
    return torch.sqrt(1 + drift**2), drift


class SpectrumFlow(nn.Module):
    """Energy and angle from a conditional spline flow, the decay time from its exact law."""

    ships = ("flow",)

    def __init__(self, codec) -> None:
        super().__init__()
        self.flow = SplineCoupling(2, context=1, hidden=24, couplings=4, bins=8)

    def sample(self, conditions, noise):
        """Encoded decays."""
        spectrum = self.flow.sample(conditions["polarisation"], noise.uniform((2,), "spectrum"))
        return {"spectrum": spectrum, "lifetimes": -torch.log(noise.uniform((), "lifetime"))}
