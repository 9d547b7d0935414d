"""Measured constants of nature that the events reproduce, for context."""

from __future__ import annotations

from ...contract.findings import Anchor

ANCHORS = (
    Anchor("tau polarisation at the Z", "-0.1465 +- 0.0033", "PDG 2024, average of LEP"),
    Anchor("BR(tau -> pi nu)", "0.1082 +- 0.0005", "PDG 2024"),
)
