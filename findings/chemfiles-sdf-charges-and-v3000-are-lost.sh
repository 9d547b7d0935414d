#!/usr/bin/env bash
# chemfiles 0.10.4: of SDF files as RDKit 2026.9 writes them, charges and isotopes are lost, and V3000 records are empty.
# Expected: formate's charge -1 (the format's property lines, "M  CHG", take the place of the column of the atom block),
# deuterium's mass, and the atoms of a V3000 record, or an error: RDKit turns to V3000 by itself above 999 atoms.
# Seen: charge 0, a mass of 1.008, and a molecule of 0 atoms, each without a word. The old column alone is read.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check chemfiles==0.10.4 rdkit==2026.9.1 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import chemfiles
from rdkit import Chem

print("chemfiles", version("chemfiles"), "rdkit", version("rdkit"))


def through_sdf(smiles, v3000=False):
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    block = Chem.MolToMolBlock(molecule, forceV3000=v3000)
    with open("molecule.sdf", "w") as file:
        file.write(block + "$$$$\n")
    atoms = list(chemfiles.Trajectory("molecule.sdf").read().atoms)
    again = next(iter(Chem.SDMolSupplier("molecule.sdf", removeHs=False)))  # the file itself is right
    written = again.GetNumAtoms(), float(Chem.GetFormalCharge(again)), round(sum(a.GetMass() for a in again.GetAtoms()), 2)
    read = len(atoms), sum(atom.charge for atom in atoms), round(sum(atom.mass for atom in atoms), 2)
    print(f"{smiles[:24]:24} {block.splitlines()[3][-5:]}: atoms, charge, mass {written} in the file, {read} read")
    return written, read


good = True
for smiles, v3000, seen in (("C(=O)[O-]", False, (4, 0.0, 45.02)), ("[2H]O[2H]", False, (3, 0.0, 18.02)),
                            ("O", False, (3, 0.0, 18.02)), ("O", True, (0, 0, 0))):
    written, read = through_sdf(smiles, v3000)
    good &= read == seen and (read == written) == (smiles == "O" and not v3000)
print("expected: the two triples agree; seen: for plain water in V2000 alone")
sys.exit(0 if good else 1)
PYTHON
