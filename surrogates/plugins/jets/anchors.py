"""Published figures of jet generators, for context: on JetNet, which is other data from another simulation."""

from __future__ import annotations

from ...contract.findings import Anchor

_MPGAN = "Kansal et al. 2021, arXiv:2106.11535 (MPGAN, JetNet with 30 particles: other data, another simulation)"

ANCHORS = (
    Anchor("W1M gluon, light quark, top", "0.7, 0.6, 0.6 x 1e-3", _MPGAN),
    Anchor("W1P gluon, light quark, top", "0.9, 4.9, 2.3 x 1e-3", _MPGAN),
    Anchor("W1P top", "2.1 x 1e-3", "Buhmann, Kasieczka, Thaler 2023, arXiv:2301.08128 (EPiC-GAN, JetNet)"),
)
