"""The hull that candidates are judged by, and the cheap searches that they are compared with."""

import numpy as np
import pytest

from surrogates.plugins.crystals.judging import hull, kept_arrays, shares_of
from surrogates.plugins.crystals.packaged import library
from surrogates.plugins.crystals.rivals import filled, swapped
from surrogates.plugins.crystals.truth import counts_of


def test_rows_of_the_package_lie_on_or_above_its_hull():
    held = library("test")
    on = 0
    for row in range(25):
        above = held.formation[row] - hull(shares_of(held.crystals[row]))
        assert above > -1e-6
        on += above < 1e-6
    assert on > 5


def test_a_hull_without_a_composition_is_no_lower():
    for crystal in library("test").crystals[:10]:
        shares = shares_of(crystal)
        assert hull(shares, without=shares) >= hull(shares) - 1e-9


def test_references_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path, made = tmp_path / "references.npz", {"references": np.arange(3.0), "error": np.array(0.5)}

    def torn(stream, **arrays):
        stream.write(b"PK")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", torn)
        with pytest.raises(KeyboardInterrupt):
            kept_arrays(path, lambda: made)
    assert not path.exists()
    kept_arrays(path, lambda: made)
    found = kept_arrays(path, lambda: pytest.fail("made again"))
    assert np.array_equal(found["references"], made["references"]) and found["error"] == 0.5


def test_elements_lie_at_zero():
    assert hull(np.eye(94)[25]) <= 0.0


def test_an_ion_swap_has_the_formula_asked_and_a_known_prototype():
    pytest.importorskip("pymatgen")
    from surrogates.plugins.crystals.measure import key, known_keys

    made = 0
    for crystal in library("test").crystals[:12]:
        wanted = counts_of(crystal)
        found = swapped(wanted)
        if found is not None:
            made += 1
            assert counts_of(found) == wanted
            assert key(found.number, found.elements, found.places, prototype=True) in known_keys(True)
    assert made > 6
    assert swapped({3: 7, 8: 11, 26: 13}) is None


def test_a_random_filling_has_the_formula_asked():
    pytest.importorskip("pyxtal")
    found = filled({11: 1, 17: 1}, 3)
    assert found is not None and len(set(counts_of(found).values())) == 1 and set(counts_of(found)) == {11, 17}
    again = filled({11: 1, 17: 1}, 3)
    assert again is not None and again.number == found.number


def test_a_benchmark_that_has_just_begun_says_so():
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    click = pytest.importorskip("click")
    spec = spec_from_file_location("crystals_benchmark", Path(__file__).parents[2] / "benchmarks" / "crystals.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    begun = [{"side": "surrogate", "formula": "NaCl", "made": False}]
    with pytest.raises(click.ClickException, match="no formula has a candidate of every side yet"):
        module.table(begun, 0.1, (1, 60))
    rows = [{"side": side, "formula": "NaCl", "made": False} for side in module.SIDES]
    assert "share of 1 formulas each" in module.table(rows, 0.1, (1, 60))
