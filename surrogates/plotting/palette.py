"""One palette, safe for colour-blind eyes and for grey paper: colours of sides and classes, colour maps by meaning.

The colours are Okabe and Ito's (https://jfly.uni-koeln.de/color); the maps are perceptually uniform ones of matplotlib.
"""

from __future__ import annotations

SAMPLES, TRUTH = "#0072B2", "#333333"
"""Colours of what a surrogate draws and of the reference."""

HIGHLIGHT, FAINT = "#D55E00", "#999999"
"""What the eye should go to; lines that only guide it."""

CLASSES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
"""Colours of classes, in their order."""

AMOUNT, SIGNED, WET, DENSITY = "viridis", "RdBu_r", "YlGnBu", "inferno"
"""Colour maps of amounts, of what has a sign, of rain, and of matter."""


def of_class(number: int) -> str:
    """Colour of the class with this number; after eight they begin again."""
    return CLASSES[number % len(CLASSES)]
