"""Files of crystals are read back by the field's own programs with composition, cell, handedness and group kept."""

import json
import warnings

import numpy as np
import pytest

pymatgen = pytest.importorskip("pymatgen.core")
moyopy = pytest.importorskip("moyopy")
ase_io = pytest.importorskip("ase.io")

from surrogates.plugins.crystals import formats  # noqa: E402
from surrogates.plugins.crystals.convert import from_structures, rows_of, to_ase, to_pymatgen  # noqa: E402
from surrogates.plugins.crystals.truth import truth  # noqa: E402

N = 6


@pytest.fixture(scope="module")
def crystals():
    return truth(N, 3)


def number_by_moyopy(structure):
    cell = moyopy.Cell(
        structure.lattice.matrix.tolist(), structure.frac_coords.tolist(), list(structure.atomic_numbers)
    )
    return moyopy.MoyoDataset(cell, symprec=0.01).number


def same(structure, row):
    assert sorted(structure.atomic_numbers) == sorted(row["atomic_number"].tolist())
    assert np.allclose(structure.lattice.abc, np.linalg.norm(row["lattice"], axis=1), atol=1e-6)
    assert np.linalg.det(structure.lattice.matrix) > 0  # a mirror image would have another handedness
    assert number_by_moyopy(structure) == row["group_number"]


def by_cif(path, crystals):
    for k, row in enumerate(rows_of(crystals)):
        one = path / f"{k}.cif"
        formats.write_cif([crystals.isel(sample=[k])], one)
        yield pymatgen.Structure.from_file(one, primitive=False), row


def by_poscar(path, crystals):
    for k, row in enumerate(rows_of(crystals)):
        one = path / f"{k}.vasp"
        formats.write_poscar([crystals.isel(sample=[k])], one)
        atoms = ase_io.read(one, format="vasp")
        yield pymatgen.Structure(np.array(atoms.cell), atoms.numbers, atoms.get_scaled_positions()), row


def by_extxyz(path, crystals):
    formats.write_extxyz([crystals], path / "all.extxyz")
    for atoms, row in zip(ase_io.read(path / "all.extxyz", index=":"), rows_of(crystals), strict=True):
        assert all(atoms.pbc)
        yield pymatgen.Structure(np.array(atoms.cell), atoms.numbers, atoms.get_scaled_positions()), row


def by_json(path, crystals):
    formats.write_json([crystals], path / "all.json")
    listed = json.loads((path / "all.json").read_text())
    yield from zip(map(pymatgen.Structure.from_dict, listed), rows_of(crystals), strict=True)


def by_table(path, crystals):
    import csv

    formats.write_table([crystals], path / "all.csv")
    with open(path / "all.csv", newline="") as file:
        found = [pymatgen.Structure.from_str(cells["cif_string"], fmt="cif") for cells in csv.DictReader(file)]
    yield from zip([one.get_primitive_structure() and one for one in found], rows_of(crystals), strict=True)


@pytest.mark.parametrize("written", [by_cif, by_poscar, by_extxyz, by_json])
def test_other_programs_read_the_same_crystals(written, tmp_path, crystals):
    pairs = list(written(tmp_path, crystals))
    assert len(pairs) == N
    for structure, row in pairs:
        same(structure, row)


@pytest.mark.parametrize(
    ("write", "read", "name"),
    [
        (formats.write_extxyz, formats.read_extxyz, "a.extxyz"),
        (formats.write_json, formats.read_json, "a.json"),
        (formats.write_optimade, formats.read_optimade, "a.jsonl"),
        (formats.write_table, formats.read_table, "a.csv"),
    ],
)
def test_what_is_written_is_read_back(write, read, name, tmp_path, crystals):
    write([crystals], tmp_path / name)
    (back,) = read(tmp_path / name)
    assert np.array_equal(back["group_number"], crystals["group_number"])
    assert np.array_equal(back["n_sites"], crystals["n_sites"])
    assert np.array_equal(np.sort(back["wyckoff"], axis=1), np.sort(crystals["wyckoff"], axis=1))


def test_a_third_of_a_cell_keeps_its_sites(tmp_path, crystals):
    """0.333 for 1/3 would make three sites of one."""
    hexagonal = [k for k, row in enumerate(rows_of(truth(200, 1))) if 168 <= row["group_number"] <= 194][:3]
    chosen = truth(200, 1).isel(sample=hexagonal)
    for structure, row in by_cif(tmp_path, chosen):
        assert len(structure) == len(row["atomic_number"])


def test_disordered_structures_are_left_out_and_counted():
    ordered = pymatgen.Structure.from_spacegroup(
        "Fm-3m", pymatgen.Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3]
    )
    mixed = ordered.copy()
    mixed[0] = {"Na": 0.5, "K": 0.5}
    with pytest.warns(UserWarning, match="1 left out .*disordered"):
        found = from_structures([mixed, ordered])
    assert found["group_number"].values.tolist() == [225]


def test_conversions_agree(crystals):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for structure, atoms in zip(to_pymatgen(crystals), to_ase(crystals), strict=True):
            assert np.allclose(structure.cart_coords, atoms.positions)
            assert (
                structure.composition.reduced_formula
                == pymatgen.Composition(atoms.get_chemical_formula()).reduced_formula
            )


def test_chiral_crystal_keeps_its_hand_from_a_left_handed_cell(tmp_path):
    """P3_1 2 1 of swapped cell vectors stays P3_1 2 1 on reading and in our CIF; P3_2 2 1 is its mirror image."""
    from ase.spacegroup import crystal

    places = [(0.4697, 0, 1 / 3), (0.4133, 0.2672, 0.4521)]
    quartz = crystal(["Si", "O"], places, spacegroup=152, cellpar=[4.916, 4.916, 5.405, 90, 90, 120])
    quartz.set_cell(quartz.cell[[1, 0, 2]])
    assert quartz.cell.handedness == -1
    ase_io.write(tmp_path / "left.extxyz", quartz, format="extxyz")
    (found,) = formats.read_extxyz(tmp_path / "left.extxyz")
    assert found.group_number.values.tolist() == [152]
    formats.write_cif([found], tmp_path / "right.cif")
    assert number_by_moyopy(pymatgen.Structure.from_file(tmp_path / "right.cif", primitive=False)) == 152
