"""Catalogues that hats-import builds by Dask of what is made as it reads."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray as xr

import surrogates
from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.survey import hats_arguments, hats_reader, hats_reader_of

pytest.importorskip("pyarrow", reason="the extra `survey` is not installed")

SMALL = {"area": 0.6, "depth": 21.0, "bands": "ri", "seed": 5, "max_redshift": 0.12}
PLACES = 5000


@pytest.fixture(scope="module")
def reader():
    return hats_reader(**SMALL)


@pytest.fixture(scope="module")
def small():
    return surrogates.survey.catalogue(**SMALL)


@pytest.fixture(scope="module")
def tables(reader):
    """All rows, an input each, as a process reads them that got the reader."""
    sent = pickle.loads(pickle.dumps(reader))
    return {name: list(sent.read(name)) for name in sent.inputs}


def placed(n: int = PLACES) -> xr.Dataset:
    """Muons at places of the sky."""
    random = np.random.default_rng(1)
    columns = {
        "polarisation": random.uniform(-1, 1, n),
        "muon_momentum": random.uniform(1, 5, n),
        "ra": random.uniform(0, 360, n),
        "dec": np.degrees(np.arcsin(random.uniform(-1, 1, n))),
        "field": np.array([f"field {i % 3}" for i in range(n)]),
    }
    return xr.Dataset({name: ("sample", values) for name, values in columns.items()}, {"sample": np.arange(n)})


def test_a_survey_is_read_box_by_box(tables, small):
    tables = [table for several in tables.values() for table in several]
    for name in ("galaxy_id", "ra", "redshift", "mag_obs_i_lsst", "morphology"):
        found = np.concatenate([table[name].to_numpy() for table in tables])
        np.testing.assert_array_equal(found, small["sample" if name == "galaxy_id" else name].values, err_msg=name)
    metadata = tables[0].schema.field("peculiar_velocity").metadata
    assert metadata[b"units"] == b"km s-1" and metadata[b"description"].startswith(b"peculiar velocity")


def test_positions_alone_are_those_of_the_whole_rows(reader, tables):
    name = reader.inputs[-1]
    (whole,) = tables[name]
    for columns in (["ra", "dec"], ["dec", "redshift"]):  # positions are computed by themselves, others are not
        (few,) = reader.read(name, columns)
        assert few.column_names == columns and few.num_rows > 0
        assert few.equals(whole.select(columns), check_metadata=False)


def test_samples_of_any_simulator_are_read_piece_by_piece():
    simulator, rows = surrogates.load("muon-decay"), placed()
    reader = pickle.loads(pickle.dumps(hats_reader_of(simulator, rows, seed=3, piece=2000)))
    assert len(reader.inputs) == 3  # whole batches
    tables = [table for name in reader.inputs for table in reader.read(name)]
    known = simulator.sample(rows.drop_vars(["ra", "dec", "field"]), seed=3)
    for name in simulator.outputs.names:
        if known[name].ndim == 1:
            found = np.concatenate([table[name].to_numpy() for table in tables])
            np.testing.assert_array_equal(found, known[name].values, err_msg=name)
    assert [value for table in tables for value in table["field"].to_pylist()] == rows["field"].values.tolist()
    (places,) = reader.read(reader.inputs[1], ["ra", "dec"])
    assert places.equals(tables[1].select(["ra", "dec"]), check_metadata=False)


def test_rows_without_identities_are_numbered_over_all_pieces():
    simulator, rows = surrogates.load("muon-decay"), placed(3000)
    known, plain = (hats_reader_of(simulator, given, seed=3, piece=1024) for given in (rows, rows.drop_vars("sample")))
    for name in known.inputs:
        (one,), (other,) = known.read(name), plain.read(name)
        assert one.equals(other)


def test_what_cannot_be_read_is_one_line(reader):
    for name in ("galaxies.fits", "piece-000099"):
        with pytest.raises(SchemaError, match=f"input_file: {name}; expected piece-000000 to piece-0"):
            next(reader.read(name))
    with pytest.raises(SchemaError, match="read_columns: colour; expected some of galaxy_id, ra"):
        list(reader.read(reader.inputs[-1], ["ra", "colour"]))
    simulator, rows = surrogates.load("muon-decay"), placed(3)
    with pytest.raises(SchemaError, match="dec: missing; expected a column of the rows"):
        hats_reader_of(simulator, rows.drop_vars("dec"), seed=1)
    for value in (400.0, np.nan):  # hats-import takes both
        wrong = rows.assign(ra=rows["ra"].copy(data=[1.0, value, 2.0]))
        with pytest.raises(SchemaError, match=f"ra: {value} in row 1; expected 0 to 360 degrees"):
            hats_reader_of(simulator, wrong, seed=1)
    for piece in (0, 2.5, True, "many"):  # a worker would have been the first to fail
        with pytest.raises(SchemaError, match="piece: .*; expected a whole number of samples, 1 or more"):
            hats_reader_of(simulator, rows, seed=1, piece=piece)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SchemaError, match="ra: of type <U3; expected numbers, 0 to 360 degrees"):
        hats_reader_of(simulator, rows.assign(ra=("sample", ["1.0", "2.0", "3.0"])), seed=1)


def test_hats_import_builds_the_catalogue_by_dask(reader, small, tmp_path):
    if not has_hats_import():
        with pytest.raises(SurrogatesError, match=r"needs hats-import, .*pip install 'surrogates\[hats\]'"):
            hats_arguments(reader, tmp_path, "mock")
        pytest.skip("the extra `hats` (hats-import) is not installed")
    import hats
    from distributed import Client, LocalCluster
    from hats_import.pipeline import pipeline_with_client

    everywhere, simulator = placed(), surrogates.load("muon-decay")
    kinds = {
        "mock": (reader, small.sizes["sample"]),
        "muons": (hats_reader_of(simulator, everywhere, seed=3, piece=2000), PLACES),
    }
    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        for name, (made, total) in kinds.items():
            options = {"pixel_threshold": 1000, "expected_total_rows": total, "progress_bar": False}
            pipeline_with_client(hats_arguments(made, tmp_path, name, **options), client)
    found = read(tmp_path / "mock", "galaxy_id")
    np.testing.assert_array_equal(found["galaxy_id"], np.sort(small["sample"].values))
    ordered = small.sortby("sample")
    for name in ("ra", "dec", "redshift", "mag_obs_i_lsst"):
        np.testing.assert_array_equal(found[name], ordered[name].values, err_msg=name)
    muons = read(tmp_path / "muons", "sample")
    np.testing.assert_array_equal(muons["ra"], everywhere["ra"].values)
    catalogue = hats.read_hats(tmp_path / "muons")
    assert catalogue.catalog_info.total_rows == PLACES and len(catalogue.get_healpix_pixels()) > 1


def has_hats_import() -> bool:
    import importlib.util

    return importlib.util.find_spec("hats_import") is not None


def read(folder, identity: str):
    """All rows by LSDB where it is installed, else from the files themselves; by identity."""
    try:
        import lsdb
    except ImportError:
        from pyarrow import parquet

        return parquet.read_table(folder / "dataset").to_pandas().sort_values(identity)
    return lsdb.open_catalog(folder).compute().sort_values(identity)
