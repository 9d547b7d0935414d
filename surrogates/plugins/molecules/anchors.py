"""Published figures of molecule generators, for context: other data, other numbers of molecules, other test sets."""

from __future__ import annotations

from ...contract.findings import Anchor

_MOSES = (
    "Polykovskiy et al. 2020, Front. Pharmacol. 11, 565644 (MOSES: 1.6 M lead-like molecules of ZINC, 30,000 drawn)"
)
_GUACAMOL = "Brown et al. 2019, J. Chem. Inf. Model. 59, 1096 (GuacaMol: 1.3 M molecules of ChEMBL, 10,000 drawn)"
_GDSS = "Jo, Lee, Hwang 2022, arXiv:2202.02514 (ZINC250k as graphs, 10,000 drawn, another split)"
_HEAD = "validity, unique of 10,000, novelty, FCD"

ANCHORS = (
    Anchor(f"CharRNN: {_HEAD}", "0.975, 0.999, 0.842, 0.073", _MOSES),
    Anchor(f"VAE: {_HEAD}", "0.977, 0.998, 0.695, 0.099", _MOSES),
    Anchor(f"LatentGAN: {_HEAD}", "0.897, 0.997, 0.950, 0.297", _MOSES),
    Anchor(f"JTN-VAE: {_HEAD}", "1.000, 1.000, 0.914, 0.395", _MOSES),
    Anchor("SMILES LSTM: validity, unique, novelty, exp(-FCD / 5)", "0.959, 1.000, 0.912, 0.913", _GUACAMOL),
    Anchor("ORGAN: validity, unique, novelty, exp(-FCD / 5)", "0.379, 0.841, 0.687, 0.000", _GUACAMOL),
    Anchor("GDSS: validity before correction, FCD", "0.970, 14.7", _GDSS),
    Anchor("MoFlow: validity before correction, FCD", "0.631, 20.9", _GDSS),
)
