"""Crystals learn from a user's own table or folder: what is read, what is held out, and what is refused."""

import lzma
import warnings

import numpy as np
import pytest

pytest.importorskip("pymatgen")
pytest.importorskip("moyopy")

from surrogates import registry  # noqa: E402
from surrogates.physics.crystals.standard import StandardError  # noqa: E402
from surrogates.plugins.crystals import own  # noqa: E402
from surrogates.plugins.crystals.convert import cif, rows_of  # noqa: E402
from surrogates.plugins.crystals.truth import prior, truth  # noqa: E402


@pytest.fixture(scope="module")
def crystals():
    return truth(60, 3)


@pytest.fixture(scope="module")
def table(crystals, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "structures.csv.xz"
    lines = ["material_id,cif,band_gap"]
    lines += [f'm-{k},"{cif(row)}",{k / 10}' for k, row in enumerate(rows_of(crystals))]
    with lzma.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def learned(table, tmp_path_factory):
    (pool,) = own.read(table, tmp_path_factory.mktemp("kept"))
    return pool


def test_a_table_is_split_by_what_its_rows_say(table, crystals, learned, tmp_path):
    rest = own.held_out(table, tmp_path, 100, 0)
    assert 2 <= rest.sizes["sample"] <= 25
    assert learned.sizes["sample"] + rest.sizes["sample"] == crystals.sizes["sample"]
    groups = np.concatenate((learned["group_number"], rest["group_number"]))
    assert np.array_equal(np.sort(groups), np.sort(crystals["group_number"]))
    shuffled = table.with_name("shuffled.csv")
    header, *body = lzma.open(table, "rt").read().split("\nm-")
    shuffled.write_text("\nm-".join([header, *body[::-1]]), encoding="utf-8")
    again = own.held_out(shuffled, tmp_path, 100, 0)
    assert np.array_equal(np.sort(again["group_number"]), np.sort(rest["group_number"]))


def test_tables_of_spreadsheets_and_endless_numbers_are_read(table, crystals, tmp_path):
    text = lzma.open(table, "rt").read().replace(",0.3\n", ",inf\n").replace(",0.4\n", ",unknown\n")
    (tmp_path / "own.csv").write_text(text, encoding="utf-8-sig")
    library, _ = own.structures(tmp_path / "own.csv", tmp_path)
    assert len(library) == crystals.sizes["sample"]
    assert np.flatnonzero(np.isnan(library.gap)).tolist() == [3, 4]


def test_conditions_are_what_varies(learned):
    conditions, _ = own.schemas((learned,))
    assert conditions.names == ("formula", "chemical_system", "space_group", "n_atoms", "band_gap")
    sizes = learned["n_atoms"].values
    assert conditions["n_atoms"].bounds == (sizes.min(), sizes.max())
    asked = prior(conditions, 5, 0)
    assert tuple(asked.data_vars) == conditions.names
    assert np.isnan(asked["band_gap"]).all() and not asked["formula"].any()


def test_a_structure_of_more_elements_than_a_chemical_system_has_letters_for_is_left_out():
    from pymatgen.core import Lattice, Structure

    elements = ["Al", "Co", "Cr", "Cu", "Fe", "Mn", "Ni", "Ti", "Zn"]
    cell = Lattice.from_parameters(12.0, 5.0, 4.0, 81.0, 86.0, 95.0)
    for many in (8, 9):
        points = [(k / many, 0.03 * k, 0.11 * k) for k in range(many)]
        text = Structure(cell, elements[:many], points).to(fmt="cif")
        if many == 8:
            assert own._standard(text).atoms == 8
        else:
            with pytest.raises(StandardError, match="too many elements"):
                own._standard(text)


def test_files_of_a_folder_are_told_by_their_endings(tmp_path, monkeypatch):
    for name in ("B.CIF", "a.cif", "c.Csv.gz", "d.csv~", "notes.txt", ".e.cif"):
        (tmp_path / name).write_bytes(b"")
    read = []
    monkeypatch.setattr(own, "_rows", lambda file: read.append(file.name) or [])
    with pytest.raises(own.StructuresError):
        own.structures(tmp_path, tmp_path)
    assert read == ["B.CIF", "a.cif", "c.Csv.gz"]


def test_a_folder_of_cifs_is_read(crystals, tmp_path):
    folder = tmp_path / "cifs"
    folder.mkdir()
    for k, row in enumerate(rows_of(crystals.isel(sample=slice(0, 30)))):
        (folder / f"{k}.cif").write_text(cif(row), encoding="utf-8")
    (folder / "broken.cif").write_text("data_nothing\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="1 of 31 structures left out"):
        (pool,) = own.read(folder, tmp_path)
    assert 20 <= pool.sizes["sample"] <= 30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own.read(folder, tmp_path)  # as it was kept


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("material_id,poscar\na,b\n", "has the columns material_id, poscar; expected a CSV with a column `cif`"),
        ("material_id,cif\na,b\n", "0 of 1 structures can be learned"),
    ],
)
def test_other_tables_are_refused(text, told, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(own.StructuresError, match="(?s)" + told) as caught:
        own.read(path, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_weights_of_ones_own_are_trained_and_sampled(table, tmp_path):
    from surrogates.release.made import new_card
    from surrogates.release.weights import save_release
    from surrogates.sampling.surrogate import Surrogate
    from surrogates.training.train import train, trained

    plugin = registry.plugin("crystals")
    train(plugin, "perov", tmp_path, data=table, updates=2, device="cpu", progress=False)
    card = new_card(plugin, "perov", data=table, run=tmp_path, seed=0)
    assert card.unseen == ()
    path = tmp_path / "weights" / "perov.safetensors"
    path.parent.mkdir()
    save_release(*trained(card.described(plugin), "perov", tmp_path), card, path)
    surrogate = Surrogate.open(plugin, model="perov", folder=path.parent)
    found = surrogate.using(descent=False).sample(3, seed=1, space_group="Pnma", n_atoms=12)
    assert (found["group_number"] == 62).all()
    assert np.isnan(found["estimated_formation_energy"]).all()  # the table has no energies
