"""The SELFIES symbols of the molecules in ZINC250k and QM9."""

LONGEST = 80
"""Most symbols of a molecule and its end; the longest of ZINC250k has 72, of QM9 21."""

SYMBOLS = (
    *("[#Branch1]", "[#Branch2]", "[-/Ring1]", "[-\\Ring1]", "[=Branch1]", "[=Branch2]", "[=Ring1]", "[=Ring2]"),
    *("[Branch1]", "[Branch2]", "[Ring1]", "[Ring2]"),
    *("[Br]", "[C]", "[Cl]", "[F]", "[I]", "[NH1]", "[N]", "[O]", "[PH1]", "[P]", "[S]"),
    *("[#C]", "[#N]", "[=C]", "[=N]", "[=O]", "[=PH2]", "[=P]", "[=S]"),
    *("[#N+1]", "[=N+1]", "[=N-1]", "[=NH1+1]", "[=NH2+1]", "[=O+1]", "[=OH1+1]", "[=S+1]", "[=SH1+1]", "[C-1]"),
    *("[CH1-1]", "[CH2-1]", "[N+1]", "[N-1]", "[NH1+1]", "[NH1-1]", "[NH2+1]", "[NH3+1]", "[O-1]", "[P+1]"),
    *("[PH1+1]", "[S-1]"),
    *("[=P@@]", "[=P@]", "[=S@@]", "[=S@]", "[C@@H1]", "[C@@]", "[C@H1]", "[C@]", "[P@@H1]", "[P@@]", "[P@]"),
    *("[S@@+1]", "[S@@]", "[S@]"),
    *("[/Br]", "[/C@@H1]", "[/C@@]", "[/C@H1]", "[/C@]", "[/C]", "[/Cl]", "[/F]", "[/N+1]", "[/N-1]", "[/NH1+1]"),
    *("[/NH1-1]", "[/NH1]", "[/NH2+1]", "[/N]", "[/O+1]", "[/O-1]", "[/O]", "[/S-1]", "[/S@]", "[/S]", "[\\Br]"),
    *("[\\C@@H1]", "[\\C@H1]", "[\\C]", "[\\Cl]", "[\\F]", "[\\I]", "[\\N+1]", "[\\N-1]", "[\\NH1+1]", "[\\NH1]"),
    *("[\\NH2+1]", "[\\N]", "[\\O-1]", "[\\O]", "[\\S-1]", "[\\S@]", "[\\S]"),
)
"""Every symbol of the molecules in ZINC250k and QM9, as selfies 2.2 writes them with its default constraints: rings and
branches, atoms, atoms behind a double or triple bond, charged, chiral, and beside a double bond with its sides."""
