"""Tables of space groups against spglib's, canonical descriptions, feasibility, distances, descent."""

from itertools import product

import numpy as np
import pytest

from surrogates.physics.crystals.cells import FREE, from_free, lattice, lengths_and_angles, to_free
from surrogates.physics.crystals.distances import nearest_distances, reduced_cell
from surrogates.physics.crystals.elements import FormulaError, formula, parse_formula
from surrogates.physics.crystals.feasible import holds, multiples
from surrogates.physics.crystals.groups import found_letter_changes, group, letter_changes, number_of


def test_operations_are_those_of_spglib():
    spglib = pytest.importorskip("spglib")
    for number in (1, 5, 14, 62, 88, 148, 166, 194, 205, 227, 230):
        types = [spglib.get_spacegroup_type(hall) for hall in range(1, 531)]
        halls = [hall for hall, kind in enumerate(types, 1) if kind.number == number]
        own = {(r.tobytes(), tuple(np.round(t * 24).astype(int) % 24)) for r, t in _operations(number)}
        found = []
        for hall in halls:
            theirs = spglib.get_symmetry_from_database(hall)
            pairs = zip(theirs["rotations"], theirs["translations"], strict=True)
            found.append({(r.astype(np.int64).tobytes(), tuple(np.round(t * 24).astype(int) % 24)) for r, t in pairs})
        assert own in found, number


def _operations(number):
    return zip(group(number).rotations, group(number).shifts, strict=True)


@pytest.mark.parametrize("number", [2, 14, 62, 129, 166, 194, 216, 225, 227])
def test_letters_move_as_points_do(number):
    assert np.array_equal(letter_changes(number), found_letter_changes(number))


def test_symbols_in_several_settings_and_numbers():
    assert [
        number_of(text) for text in ("Pnma", "Pbnm", "P 1 21/c 1", "P2_1/n", "R-3m:H", "62", "Xyz", "0", "231")
    ] == [
        *(62, 62, 14, 14, 166, 62, 0, 0, 0),
    ]


def test_feasibility_is_that_of_trying_everything():
    """Every way to fill the positions of some groups with up to 6 atoms of two elements."""
    for number in (225, 227, 166, 62):
        here = group(number)
        for first, second in product(range(1, 7), repeat=2):
            assert holds(number, 0, tuple(sorted((first, second)))) == _fits(here, first, second, frozenset())


def _fits(here, first, second, used):
    if first == 0 and second == 0:
        return True
    need, other = (first, second) if first else (second, 0)
    for place, (many, position) in enumerate(zip(here.multiplicities, here.positions, strict=True)):
        if many <= need and not (place in used and not position.free):
            left = (need - many, other) if first else (0, need - many)
            if _fits(here, *left, used | {place}):
                return True
    return False


def test_olivine_fits_where_it_is_known():
    assert multiples(62, (1, 1, 1, 4)) == (4,)
    assert multiples(225, (1, 1, 1, 4)) == ()


def test_formulas():
    assert parse_formula("Ca(OH)2") == {20: 1, 8: 2, 1: 2}
    assert formula(parse_formula("O8Fe2Li2P2")) == "LiFePO4"
    for text in ("Xx2", "", "Fe0.5O", "Ca(OH", "fe"):
        with pytest.raises(FormulaError):
            parse_formula(text)


@pytest.mark.parametrize("system", FREE)
def test_cells_come_back(system):
    rng = np.random.default_rng(0)
    free = rng.normal(scale=0.2, size=(50, 6)) * [name in FREE[system] for name in FREE["triclinic"]]
    free[:, 0] += 3
    there = from_free(free, system, 7)
    assert np.allclose(to_free(there, system, 7), free)
    assert np.allclose(lengths_and_angles(lattice(there)), there)
    assert (np.linalg.det(lattice(there)) > 0).all()


def test_nearest_distances_are_those_of_many_images():
    rng = np.random.default_rng(1)
    for _ in range(40):
        vectors = 0.6 * rng.normal(size=(3, 3)) + np.diag([3.0, 4.0, 5.0])
        vectors[1] += 3 * vectors[0]
        points = rng.random((4, 3))
        found = nearest_distances(vectors, points, np.arange(4))
        images = np.array(list(product(range(-9, 10), repeat=3)))
        gap = (points[None, :, None] - points[:, None, None] + images) @ vectors
        far = np.linalg.norm(gap, axis=-1)
        far[far < 1e-9] = np.inf
        assert np.allclose(found, far.min(axis=-1))
        basis, change = reduced_cell(vectors)
        assert np.allclose(change @ vectors, basis) and abs(abs(np.linalg.det(change)) - 1) < 1e-9
