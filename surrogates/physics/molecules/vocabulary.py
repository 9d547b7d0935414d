"""The tokens of the molecules in ZINC250k and QM9."""

TOKENS = 80
"""Most tokens of a SMILES and its end."""

WRITTEN_OUT = 112
"""The same with the double bonds of aromatic rings written out."""

VOCABULARY = (
    *("B", "C", "N", "O", "P", "S", "F", "Cl", "Br", "I", "b", "c", "n", "o", "p", "s"),
    *("-", "=", "#", "/", "\\", "(", ")", "1", "2", "3", "4", "5", "6", "7", "8"),
    *("[C@@H]", "[C@H]", "[C@]", "[C@@]", "[C-]", "[CH-]", "[CH2-]"),
    *("[nH]", "[nH+]", "[n+]", "[n-]", "[N+]", "[N-]", "[NH+]", "[NH-]", "[NH2+]", "[NH3+]"),
    *("[O+]", "[O-]", "[OH+]", "[o+]", "[S+]", "[S-]", "[SH+]", "[S@]", "[S@@]", "[S@@+]", "[s+]"),
    *("[P+]", "[PH]", "[PH2]", "[PH+]", "[P@]", "[P@@]", "[P@@H]"),
)
"""Every token of the molecules in ZINC250k and QM9."""
