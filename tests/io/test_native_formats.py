"""Each native format is read back by its own library, and by ours to the same Dataset."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr
from io_samples import jets, particle_events

from surrogates.io import HEPMC3, JETNET, LHE, ROOT, FileFormatError, FormatError, OutputError, concatenate, to_awkward

EVENTS = pytest.mark.parametrize("file_format", [HEPMC3, LHE, ROOT], ids=lambda entry: entry.name)
EXACT = pytest.mark.parametrize(
    ("file_format", "made"),
    [(HEPMC3, particle_events(60)), (ROOT, particle_events(60)), (ROOT, jets(60)), (JETNET, jets(60))],
    ids=["hepmc3-events", "root-events", "root-jets", "jetnet-jets"],
)
CONDITIONS = ["sample", "energy", "initial_state_radiation", "asked_decay_minus", "asked_decay_plus", "tau_decay"]


def written(folder, file_format, *blocks):
    path = folder / f"samples{file_format.suffixes[0]}"
    file_format.write(blocks, path)
    return path


def read(file_format, path, **options):
    return concatenate(file_format.read(path, **options))


@EXACT
def test_samples_come_back_bit_for_bit(tmp_path, file_format, made):
    path = written(tmp_path, file_format, made.isel(sample=slice(0, 25)), made.isel(sample=slice(25, 60)))
    xr.testing.assert_identical(read(file_format, path, block_rows=17), made)


@EXACT
def test_no_samples_make_a_valid_file(tmp_path, file_format, made):
    empty = made.isel(sample=slice(0, 0))
    xr.testing.assert_identical(read(file_format, written(tmp_path, file_format, empty)), empty)


@EVENTS
def test_conditions_survive(tmp_path, events, file_format):
    back = read(file_format, written(tmp_path, file_format, events))
    for name in CONDITIONS:
        xr.testing.assert_identical(back[name], events[name])


@EVENTS
def test_large_identities_survive(tmp_path, file_format):
    events = particle_events(5, first_sample=2**40)
    back = read(file_format, written(tmp_path, file_format, events))
    np.testing.assert_array_equal(back["sample"], events["sample"])


@pytest.mark.parametrize("file_format", [HEPMC3, LHE, ROOT, JETNET], ids=lambda entry: entry.name)
def test_an_existing_file_is_kept(tmp_path, events, file_format):
    path = tmp_path / f"a{file_format.suffixes[0]}"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        file_format.write([jets(3) if file_format is JETNET else events], path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(("file_format", "wrong"), [(HEPMC3, jets(3)), (LHE, jets(3)), (JETNET, particle_events(3))])
def test_the_wrong_kind_of_sample_is_refused(tmp_path, file_format, wrong):
    path = tmp_path / f"a{file_format.suffixes[0]}"
    with pytest.raises(FormatError, match="the Dataset lacks"):
        file_format.write([wrong], path)
    assert not path.exists()


def hepmc_events(path):
    import pyhepmc

    with pyhepmc.open(str(path)) as file:
        return list(file)


def test_pyhepmc_reads_beams_taus_and_stable_particles(tmp_path, events):
    found = hepmc_events(written(tmp_path, HEPMC3, events))
    assert len(found) == 200
    for i, event in enumerate(found[:50]):
        by_status = {status: [p for p in event.particles if p.status == status] for status in (1, 2, 4)}
        assert [particle.pid for particle in by_status[4]] == [11, -11]
        assert sum(particle.momentum.e for particle in by_status[4]) == events["energy"].values[i]
        n = int(events["n_particles"][i])
        assert [particle.pid for particle in by_status[1]] == events["pdg_id"].values[i, :n].tolist()
        assert [particle.generated_mass for particle in by_status[1]] == events["mass"].values[i, :n].tolist()
        taus = [particle for particle in by_status[2] if abs(particle.pid) == 15]
        assert [tau.pid for tau in taus] == [15, -15]
        for side, tau in enumerate(taus):
            assert tau.end_vertex.position.x == events["tau_vx"].values[i, side]
            assert tau.end_vertex.position.t == events["tau_vt"].values[i, side]
        assert list(event.weights) == [1.0]
        assert event.run_info.weight_names == ["Default"]


def test_four_momentum_is_conserved_at_every_hepmc_vertex(tmp_path, events):
    for event in hepmc_events(written(tmp_path, HEPMC3, events))[:50]:
        for vertex in event.vertices:
            for component in ("px", "py", "pz", "e"):
                incoming = sum(getattr(particle.momentum, component) for particle in vertex.particles_in)
                outgoing = sum(getattr(particle.momentum, component) for particle in vertex.particles_out)
                assert incoming == pytest.approx(outgoing, abs=1e-9)


def test_displaced_daughters_hang_on_the_meson_that_flew(tmp_path, events):
    """Photons of a pi0 and pions of a K0S meet in a vertex of their own, made by that meson."""
    found = hepmc_events(written(tmp_path, HEPMC3, events))
    decays = {111: 0, 310: 0}
    for event in found:
        for vertex in event.vertices:
            mothers = [particle.pid for particle in vertex.particles_in]
            if mothers in ([111], [310]):
                decays[mothers[0]] += 1
                daughters = {particle.pid for particle in vertex.particles_out}
                assert daughters == ({22} if mothers == [111] else {211, -211})
                assert vertex.particles_in[0].parents[0].pid in (15, -15)
    expected = [int((events["tau_decay"] == channel).sum()) for channel in (1, 2)]
    assert [decays[111], decays[310]] == expected


def test_radiated_photons_come_from_the_beams(tmp_path, events):
    i = int(np.flatnonzero(events["initial_state_radiation"])[0])
    event = hepmc_events(written(tmp_path, HEPMC3, events))[i]
    photon = [particle for particle in event.particles if particle.status == 1][-1]
    assert photon.pid == 22 and [parent.pid for parent in photon.parents] == [11, -11]


def test_hepmc3_goes_to_standard_output(tmp_path, events, monkeypatch):
    class Terminal:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Terminal)
    HEPMC3.write([events.isel(sample=slice(0, 3))], "-")
    (tmp_path / "a.hepmc3").write_bytes(Terminal.buffer.getvalue())
    assert read(HEPMC3, tmp_path / "a.hepmc3").sizes["sample"] == 3


def test_hepmc3_goes_to_a_named_pipe(tmp_path, events):
    import os

    os.mkfifo(tmp_path / "pipe.hepmc3")
    with open(tmp_path / "copy.hepmc3", "wb") as copy:
        reader = subprocess.Popen(["cat", str(tmp_path / "pipe.hepmc3")], stdout=copy)
        HEPMC3.write([events], tmp_path / "pipe.hepmc3")
        assert reader.wait(20) == 0
    xr.testing.assert_identical(read(HEPMC3, tmp_path / "copy.hepmc3"), events)


def test_a_full_device_is_one_line(events):
    for file_format in (HEPMC3, LHE):
        with pytest.raises(OutputError, match="No space left on device") as error:
            file_format.write([events], "/dev/full")
        assert "\n" not in str(error.value)


def test_compressed_text_is_the_same_text(tmp_path, events):
    for file_format, plain in ((HEPMC3, "a.hepmc3"), (LHE, "a.lhe")):
        for name in (plain, f"{plain}.gz"):
            file_format.write([events.isel(sample=slice(0, 9))], tmp_path / name)
        xr.testing.assert_identical(read(file_format, tmp_path / f"{plain}.gz"), read(file_format, tmp_path / plain))


def test_hepmc_of_another_program_is_read_as_far_as_it_goes(tmp_path, events):
    """No run attributes, no event attributes: energy comes from the beams, the decay channel is unknown."""
    import pyhepmc

    found = hepmc_events(written(tmp_path, HEPMC3, events))
    with pyhepmc.open(str(tmp_path / "other.hepmc3"), "w") as file:
        for event in found[:20]:
            event.run_info = pyhepmc.GenRunInfo()
            event.attributes.clear()
            file.write(event)
    back = read(HEPMC3, tmp_path / "other.hepmc3")
    for name in ("px", "pdg_id", "charge", "parent", "vx", "tau_E", "tau_vz", "n_particles"):
        np.testing.assert_array_equal(back[name], events[name][:20])
    np.testing.assert_allclose(back["energy"], events["energy"][:20], rtol=1e-15)
    assert (back["tau_decay"] == -1).all()
    assert "initial_state_radiation" not in back


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[: len(text) // 2], "truncated"),
        (lambda text: "hello\n", "begins with HepMC::Version"),
        (lambda text: text.replace(" 15 ", " 13 ", 1), "no particle 15 of status 2"),
        (lambda text: text.replace("A 0 initial_state_radiation 0\n", "", 1), "lacks its attribute"),
        (lambda text: text.replace("\nV -1 0 [1,2]", "\nV -1 0 [1,"), "cannot be read|expected HepMC3"),
    ],
)
def test_damaged_hepmc3_is_one_line(tmp_path, events, spoil, message):
    path = written(tmp_path, HEPMC3, events.isel(sample=slice(0, 9)))
    unsealed = re.sub(r"\n.*sealed by sha256.*\n\Z", "", path.read_text())
    path.write_text(spoil(unsealed))
    with pytest.raises(FileFormatError, match=message) as error:
        read(HEPMC3, path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_pylhe_reads_the_production_level(tmp_path, events):
    import pylhe

    file = pylhe.LHEFile.fromfile(str(written(tmp_path, LHE, events)))
    found = list(file.events)
    assert (file.init.initInfo.beamA, file.init.initInfo.beamB) == (11, -11)
    assert len(found) == 200
    for i, event in enumerate(found):
        codes = [particle.id for particle in event.particles]
        radiation = int(events["initial_state_radiation"][i])
        assert codes == [11, -11, 15, -15] + [22] * radiation
        total = sum(particle.e for particle in event.particles if particle.status == 1)
        assert total == pytest.approx(float(events["energy"][i]), rel=1e-12)


def test_lhe_keeps_taus_vertices_and_photons(tmp_path, events):
    back = read(LHE, written(tmp_path, LHE, events), block_rows=33)
    for name in ("tau_px", "tau_py", "tau_pz", "tau_E"):
        xr.testing.assert_identical(back[name], events[name])
    for name in ("tau_vx", "tau_vy", "tau_vz", "tau_vt"):
        np.testing.assert_allclose(back[name], events[name], rtol=1e-12)
    np.testing.assert_array_equal(back["n_particles"], events["initial_state_radiation"])
    assert (back["parent"] == 0).all()


def test_uproot_reads_jagged_branches(tmp_path, events):
    import awkward
    import uproot

    with uproot.open(written(tmp_path, ROOT, events)) as file:
        assert file.classnames()["Events;1"] == "TTree"
        tree = file["Events"]
        assert {"run", "luminosityBlock", "event", "energy", "n_particles", "px", "tau_E"} <= set(tree.keys())
        np.testing.assert_array_equal(tree["event"].array(library="np"), events["sample"])
        np.testing.assert_array_equal(awkward.num(tree["px"].array()), events["n_particles"])
        assert tree["px"].array()[7].tolist() == events["px"].values[7, : int(events["n_particles"][7])].tolist()
        assert tree["tau_E"].array(library="np").shape == (200, 2)


def test_h5py_finds_the_published_jetnet_arrays(tmp_path, jet_sample):
    with h5py.File(written(tmp_path, JETNET, jet_sample)) as file:
        particles, jet = file["particle_features"][:], file["jet_features"][:]
        types = file["type"][:]
    assert particles.shape == (200, 30, 4) and jet.shape == (200, 4)
    np.testing.assert_array_equal(particles[..., 2], jet_sample["constituent_pt_rel"])
    np.testing.assert_array_equal(particles[..., 3].sum(axis=1), jet_sample["n_constituents"])
    np.testing.assert_array_equal(jet[:, 0], jet_sample["jet_pt"])
    np.testing.assert_array_equal(types, jet_sample["jet_type"])


def test_a_published_jetnet_file_is_read(tmp_path, jet_sample):
    with h5py.File(written(tmp_path, JETNET, jet_sample)) as ours, h5py.File(tmp_path / "t.hdf5", "w") as published:
        for name in ("particle_features", "jet_features"):
            published[name] = ours[name][:].astype(np.float32)
    back = read(JETNET, tmp_path / "t.hdf5")
    assert (back["jet_type"] == 2).all()
    np.testing.assert_allclose(back["constituent_eta_rel"], jet_sample["constituent_eta_rel"], rtol=1e-6)
    np.testing.assert_array_equal(back["n_constituents"], jet_sample["n_constituents"])


def test_awkward_events_are_four_vectors(events):
    import awkward

    records = to_awkward(events)
    total = awkward.sum(records.particles, axis=1)
    np.testing.assert_allclose(total.E, events["energy"], rtol=1e-9)
    np.testing.assert_allclose(records.taus.mass, 1.77693, rtol=1e-9)
    expected = np.hypot(events["px"], events["py"]).sum(axis=1)
    np.testing.assert_allclose(awkward.sum(records.particles.pt, axis=1), expected)


def test_awkward_constituents_lie_around_the_jet(jet_sample):
    import awkward

    records = to_awkward(jet_sample)
    some = jet_sample["n_constituents"].values > 0
    summed = awkward.sum(records.constituents.pt, axis=1)
    np.testing.assert_allclose(summed[some], jet_sample["jet_pt"].values[some], rtol=1e-9)
    np.testing.assert_allclose(records.jet.eta, jet_sample["jet_eta"], rtol=1e-9)


def test_to_awkward_says_what_it_takes(events):
    with pytest.raises(FormatError, match="takes particle events"):
        to_awkward(events[["energy"]])
