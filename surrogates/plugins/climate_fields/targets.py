"""The figures of climate fields, declared once: what is measured, what it should reach, and at how many samples."""

from __future__ import annotations

from ...contract.findings import Target
from ...contract.plugin import Features
from ...measuring.figures import Figure, Figures, Together
from . import measure
from .features import high_level

SAMPLES = 365
"""Pairs of consecutive days on each side."""

SANITY = 1.2
"""Floors that a figure may be which cheap stand-ins meet too."""

_WORDS = {"tas": "temperature", "pr": "rain", "ps": "surface pressure"}
_UNITS = {"tas": "K", "pr": "mm d-1", "ps": "hPa"}

FEATURES = Features(high_level=high_level)

FIGURES = Figures(
    (
        Together(
            measure.averages,
            (
                *(
                    Figure(
                        f"mean_rmse_{name}", floors=SANITY, units=_UNITS[name], text=f"RMSE of the mean {_WORDS[name]}"
                    )
                    for name in _WORDS
                ),
                Figure("wet_days", floors=SANITY, text="mean error of each cell's share of days above 1 mm"),
                Figure("rain_quantiles", floors=2.0, text="largest |ln| of rain quantiles from 50 to 99.9 %"),
            ),
        ),
        Together(
            measure.texture,
            (
                Figure("rain_areas", floors=2.0, text="number, size and length of areas above 5 mm/d, means in sd"),
                Figure("neighbour_agreement", floors=2.0, text="neighbours both wet or both dry, means in sd"),
                Figure("rain_gradients", floors=2.0, text="steps of the root of rain between neighbours, means in sd"),
                Figure("rain_in_storms", floors=2.0, text="rain at lowest pressure, pressure at most rain, in sd"),
                Figure("area_mean_rain_spread", floors=2.0, text="|ln| of the spread of rain over bands of latitude"),
            ),
        ),
        Together(
            measure.spectra,
            tuple(
                Figure(f"spectrum_{name}", at_most=0.1, text=f"power of {words} to degree 25, worst three degrees")
                for name, words in _WORDS.items()
            ),
        ),
        Together(
            measure.succession,
            (
                *(
                    Figure(f"lag1_{name}", at_most=0.03, text=f"lag-1 correlation of deseasonalised {words}")
                    for name, words in _WORDS.items()
                ),
                Figure("auc_two_days", at_most=0.7, text="linear classifier on changes from one day to the next"),
            ),
        ),
        Together(
            measure.el_nino,
            (
                *(
                    Figure(
                        f"enso_pattern_{name}",
                        at_most=0.05,
                        text=f"1 - pattern correlation of El Nino less La Nina, {_WORDS[name]}",
                    )
                    for name in ("pr", "ps")
                ),
                *(
                    Figure(
                        f"enso_slope_{name}",
                        at_most=0.1,
                        text=f"|amplitude - 1| of El Nino less La Nina, {_WORDS[name]}",
                    )
                    for name in ("pr", "ps")
                ),
            ),
        ),
    ),
    reduce=measure.reduce,
    n=SAMPLES,
)

TARGETS = {
    "auc_high_level": Target(
        SAMPLES, at_most=0.75, description="two-sample classifier on rain areas, gradients, spectra, storms"
    ),
    **FIGURES.targets,
}
