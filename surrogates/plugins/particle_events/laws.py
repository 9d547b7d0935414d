"""Laws of tau-pair events, for one simulator's table of particles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ...contract.laws import Law
from ...physics.particle_events import laws as conserved


def laws(
    masses: Mapping[int, float], channels: Sequence[Sequence[int]], decays: Mapping[int, Sequence[Sequence[int]]]
) -> tuple[Law, ...]:
    """Every law of tau-pair events.

    Parameters
    ----------
    masses : mapping
        Mass [GeV] by positive PDG id of the stable particles.
    channels : sequence
        Products of each decay channel of the tau-, in the order of `tau_decay`.
    decays : mapping
        Products of each channel of every other unstable particle, by positive PDG id.
    """
    ids = tuple(sorted(masses))
    table = partial(conserved.table_masses, ids=ids, masses=tuple(float(masses[i]) for i in ids))
    decayed = partial(conserved.decay_channels, allowed=conserved.allowed_final_states(channels, decays))
    flavours = ("electron", "muon", "tau")
    return (
        Law("mass_shell", conserved.mass_shell, 1e-9),
        Law("four_momentum", conserved.four_momentum, 1e-9, "projection"),
        Law("tau_momentum", conserved.tau_momentum, 1e-9),
        Law("charge", conserved.charge, 0.0),
        *(Law(f"{name}_lepton_number", partial(conserved.lepton_number, flavour=name), 0.0) for name in flavours),
        Law("table_masses", table, 1e-9, units="GeV"),
        Law("decay_channels", decayed, 0.0),
    )
