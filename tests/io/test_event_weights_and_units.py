"""Events of other programs keep their units, weights and cross-section; ours are read by other programs."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyhepmc
import pylhe
import pytest
import xarray as xr
from io_samples import MASSES, _two_body, particle_events

from surrogates.io import HEPMC3, LHE, NETCDF, ROOT, FileFormatError, concatenate
from surrogates.io.hepmc3 import write_hepmc3
from surrogates.io.lhe import write_lhe

WEIGHTS = {"MUR0.5_MUF1": 0.25, "PDF 303": 3e-17}
PICOBARN = (1465.7334041746294, 5.4701026658267216)


def weighted(n=12, **weights):
    events = particle_events(n)
    events["weight"] = ("sample", np.linspace(-2.5, 1.7, n), {"units": "1", "long_name": "event weight"})
    for place, (name, value) in enumerate((WEIGHTS | weights).items()):
        attrs = {"units": "1", "long_name": f"event weight {name}", "weight_name": name}
        events[("weight_MUR0_5_MUF1", "weight_PDF_303")[place]] = ("sample", value * (1 + np.arange(n) / 7), attrs)
    return events


def foreign(path, *, units=("GEV", "MM"), format=None, names=("nominal", "muR=2"), weights=(-2.5, 0.125)):
    """Our events, as another program would write them: no description, its own units and weights."""
    events = particle_events(6)
    write_hepmc3([events], path.with_suffix(".ours"))
    run = pyhepmc.GenRunInfo()
    run.weight_names = list(names)
    with pyhepmc.open(str(path.with_suffix(".ours"))) as read, pyhepmc.open(str(path), "w", format=format) as file:
        for event in read:
            event.run_info = run
            event.attributes.clear()
            event.weights = [value + event.event_number for value in weights]
            event.set_units(getattr(pyhepmc.Units, units[0]), getattr(pyhepmc.Units, units[1]))
            stated = pyhepmc.GenCrossSection()
            stated.set_cross_section(1500.0, 3.0)
            event.cross_section = stated
            file.write(event)
    return events


def unsealed(path):
    """The text as another program writes it anew: without the seal, which stands in a comment."""
    return "".join(line for line in path.read_text().splitlines(keepends=True) if "surrogates sealed by" not in line)


@pytest.mark.parametrize("units", [("GEV", "MM"), ("MEV", "CM"), ("GEV", "CM"), ("MEV", "MM")])
@pytest.mark.parametrize("version", ["hepmc3", "hepmc2"])
def test_momenta_are_gev_and_lengths_mm_whatever_the_units_of_the_file(tmp_path, units, version):
    events = foreign(tmp_path / "a.hepmc", units=units, format=version)
    assert " ".join(units) in (tmp_path / "a.hepmc").read_text()
    back = concatenate(HEPMC3.read(tmp_path / "a.hepmc"))
    for name in ("energy", "px", "E", "mass", "vx", "vt", "tau_pz", "tau_E", "tau_vz"):
        found, expected = (np.sort(side[name].values, axis=-1) for side in (back, events))  # HepMC2 reorders
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert back["px"].attrs["units"] == "GeV" and back["vx"].attrs["units"] == "mm"


@pytest.mark.parametrize("version", ["hepmc3", "hepmc2"])
def test_weights_and_cross_section_of_another_program_are_kept_through_every_event_format(tmp_path, version):
    foreign(tmp_path / "a.hepmc", format=version)
    events = concatenate(HEPMC3.read(tmp_path / "a.hepmc"))
    np.testing.assert_array_equal(events["weight"], np.arange(6) - 2.5)
    np.testing.assert_array_equal(events["weight_muR_2"], np.arange(6) + 0.125)
    np.testing.assert_array_equal(events["cross_section"], 1500.0)
    np.testing.assert_array_equal(events["cross_section_error"], 3.0)
    for file_format in (HEPMC3, LHE, ROOT, NETCDF):
        path = tmp_path / f"again{file_format.suffixes[0]}"
        file_format.write([events], path)
        again = concatenate(file_format.read(path))
        for name in ("weight", "weight_muR_2", "cross_section"):
            xr.testing.assert_identical(again[name], events[name])
    with pyhepmc.open(str(tmp_path / "again.hepmc3")) as file:
        first = next(iter(file))
        assert first.weights == [-2.5, 0.125] and first.weight_names == ["Default", "muR=2"]
        assert (first.cross_section.xsec(), first.cross_section.xsec_err()) == (1500.0, 3.0)
    read = pylhe.LHEFile.fromfile(str(tmp_path / "again.lhe"))
    assert read.init.procInfo[0].xSection == 1500.0
    first = next(iter(read.events))
    assert first.eventinfo.weight == -2.5 and first.weights == {"muR=2": 0.125}


@pytest.mark.parametrize("file_format", [HEPMC3, LHE, ROOT, NETCDF], ids=lambda entry: entry.name)
def test_weights_come_back_bit_for_bit_under_their_names(tmp_path, file_format):
    events = weighted()
    path = tmp_path / f"a{file_format.suffixes[0]}"
    file_format.write([events.isel(sample=slice(0, 5)), events.isel(sample=slice(5, None))], path)
    back = concatenate(file_format.read(path))
    for name in ("weight", "weight_MUR0_5_MUF1", "weight_PDF_303"):
        xr.testing.assert_identical(back[name], events[name])


def test_pyhepmc_reads_named_weights_although_a_name_has_a_space(tmp_path):
    HEPMC3.write([weighted()], tmp_path / "a.hepmc3")
    with pyhepmc.open(str(tmp_path / "a.hepmc3")) as file:
        for i, event in enumerate(file):
            assert event.weight_names == ["Default", "MUR0.5_MUF1", "PDF_303"]
            assert event.weights == pytest.approx(
                [np.linspace(-2.5, 1.7, 12)[i], 0.25 * (1 + i / 7), 3e-17 * (1 + i / 7)], rel=1e-15
            )


@pytest.mark.parametrize("suffix", [".hepmc3", ".lhe"])
def test_weights_that_another_program_put_into_our_file_are_kept(tmp_path, suffix):
    file_format = HEPMC3 if suffix == ".hepmc3" else LHE
    path = tmp_path / f"a{suffix}"
    file_format.write([particle_events(5)], path)
    assert "weight" not in concatenate(file_format.read(path))
    old, new = (
        ("W 1.0000000000000000000000e+00", "W -1.5000000000000000000000e+00")
        if suffix == ".hepmc3"
        else (" 1.0000000000000000e+00 2.4", " -1.5 2.4")
    )
    text = unsealed(path)
    assert old in text
    path.write_text(text.replace(old, new))
    assert -1.5 in concatenate(file_format.read(path, block_rows=2))["weight"].values


def test_an_event_with_fewer_weights_than_the_first_is_refused(tmp_path):
    LHE.write([weighted(4)], tmp_path / "a.lhe")
    text = unsealed(tmp_path / "a.lhe")
    cut = text.rindex("<wgt id=")
    (tmp_path / "a.lhe").write_text(text[:cut] + text[text.index("</rwgt>", cut) :])
    with pytest.raises(FileFormatError, match="event 4 lacks the weight 'PDF 303'"):
        concatenate(LHE.read(tmp_path / "a.lhe"))


def test_foreign_lhe_events_are_numbered_through(tmp_path):
    LHE.write([particle_events(9)], tmp_path / "a.lhe")
    text = unsealed(tmp_path / "a.lhe")
    head, tail = text.index("<surrogates_dataset>"), text.index("</surrogates_dataset>")
    import re

    bare = re.sub(r"<event [^>]*>", "<event>", text[:head] + text[tail + len("</surrogates_dataset>") :])
    (tmp_path / "b.lhe").write_text(bare)
    back = concatenate(LHE.read(tmp_path / "b.lhe", block_rows=4))
    np.testing.assert_array_equal(back["sample"], np.arange(9))
    np.testing.assert_allclose(back["energy"], particle_events(9)["energy"], rtol=1e-9)
    assert (back["weight"] == 1).all()


# Ours, in other programs ---------------------------------------------------------------------------------------------


def one_energy(n=40, energy=91.2):
    events = particle_events(4 * n)
    return events.isel(sample=np.flatnonzero(events["energy"].values == energy)[:n])


def known(block):
    return tuple(np.full(block.sizes["sample"], value) for value in PICOBARN)


@pytest.mark.parametrize("weights", [False, True], ids=["unweighted", "weighted"])
def test_pyhepmc_and_pylhe_read_our_lhe_event_for_event(tmp_path, weights):
    events = weighted() if weights else one_energy(12)
    path = tmp_path / "a.lhe"
    write_lhe([events], path, cross_section=known)
    with pyhepmc.open(str(path), format="lhef") as file:
        hepmc = [[(p.pid, p.momentum.e) for p in event.particles] for event in file]
    lhe = [[(p.id, p.e) for p in event.particles] for event in pylhe.LHEFile.fromfile(str(path)).events]
    assert len(lhe) == len(hepmc) == events.sizes["sample"]
    for i, (one, other) in enumerate(zip(hepmc, lhe, strict=True)):
        assert one == other
        assert dict(other)[15] == float(events["tau_E"][i, 0])


@pytest.mark.parametrize("weights", [False, True], ids=["unweighted", "weighted"])
def test_pythia_decays_the_taus_of_our_lhe(tmp_path, weights):
    pythia8mc = pytest.importorskip("pythia8mc")
    events = one_energy()
    if weights:
        values = np.linspace(0.5, 1.5, events.sizes["sample"])
        events["weight"] = ("sample", values, {"units": "1", "long_name": "event weight"})
    path = tmp_path / "a.lhe"
    write_lhe([events], path, cross_section=known)
    pythia = pythia8mc.Pythia("", False)
    for line in ("Beams:frameType = 4", f"Beams:LHEF = {path}", "PDF:lepton = off", "Print:quiet = on"):
        assert pythia.readString(line)
    assert pythia.init()
    done, found = 0, []
    while True:
        good = pythia.next()
        if pythia.infoPython().atEndOfFile():
            break
        done += good
        found.append(pythia.infoPython().weight())
        energies = [particle.e() for particle in pythia.event if particle.isFinal()]
        assert len(energies) > 2 and sum(energies) == pytest.approx(91.2, rel=1e-6)
    assert done == len(found) == events.sizes["sample"]
    if weights:
        np.testing.assert_allclose(found, events["weight"], rtol=1e-14)
    else:
        assert pythia.infoPython().sigmaGen() * 1e9 == pytest.approx(PICOBARN[0], rel=1e-12)
        assert pythia.infoPython().sigmaErr() * 1e9 == pytest.approx(PICOBARN[1], rel=1e-12)


def test_pyhepmc_reads_the_cross_section(tmp_path):
    write_hepmc3([one_energy(3)], tmp_path / "a.hepmc3", cross_section=known)
    with pyhepmc.open(str(tmp_path / "a.hepmc3")) as file:
        for event in file:
            assert event.cross_section.xsec() == pytest.approx(PICOBARN[0], rel=1e-8)
            assert event.cross_section.xsec_err() == pytest.approx(PICOBARN[1], rel=1e-8)


# K0S -> pi0 pi0 -------------------------------------------------------------------------------------------------------


def with_neutral_kaons(n=30):
    """The test events, those of a K0S with its pions neutral, each decaying to photons some nanometres on."""
    events = particle_events(n).copy(deep=True)
    rng = np.random.default_rng(5)
    kaons = []
    for i in range(n):
        if int(events["n_particles"][i]) > 34:
            continue
        for side in (0, 1):
            sign = (-1, 1)[side]
            count = int(events["n_particles"][i])
            pid, parent = events["pdg_id"].values[i], events["parent"].values[i]
            if int(events["tau_decay"][i, side]) != 2:
                continue
            slots = [s for s in range(count) if parent[s] == sign and abs(pid[s]) == 211][-2:]
            kaon = sum(np.array([events[c].values[i, s] for c in ("px", "py", "pz", "E")]) for s in slots)
            vertex = np.array([events[f"v{axis}"].values[i, slots[0]] for axis in "xyzt"])
            kaons.append((i, side, vertex, kaon))
            free = [*slots, count, count + 1]
            for place, pion in enumerate(_two_body(rng, kaon[None], MASSES[111], MASSES[111])):
                at = vertex + 2.5e-5 * rng.exponential() * pion[0] / MASSES[111]
                for photon, momentum in enumerate(_two_body(rng, pion, 0.0, 0.0)):
                    slot = free[2 * place + photon]
                    values = dict(zip(("px", "py", "pz", "E"), momentum[0], strict=True)) | {"mass": 0.0, "charge": 0}
                    values |= dict(zip(("vx", "vy", "vz", "vt"), at, strict=True)) | {"pdg_id": 22, "parent": sign}
                    for name, value in values.items():
                        events[name].values[i, slot] = value
            events["n_particles"].values[i] += 2
    return events, kaons


def test_a_kaon_flies_from_the_tau_and_two_pions_start_where_it_ends(tmp_path):
    events, kaons = with_neutral_kaons()
    assert len(kaons) > 10
    HEPMC3.write([events], tmp_path / "a.hepmc3")
    with pyhepmc.open(str(tmp_path / "a.hepmc3")) as file:
        found = list(file)
    for i, side, vertex, momentum in kaons:
        kaon = [p for p in found[i].particles if p.pid == 310 and p.parents[0].pid == (15, -15)[side]]
        assert len(kaon) == 1
        assert kaon[0].momentum.e == pytest.approx(momentum[3], rel=1e-9)
        end = kaon[0].end_vertex
        assert [p.pid for p in end.particles_out] == [111, 111]
        np.testing.assert_allclose([end.position.x, end.position.y, end.position.z, end.position.t], vertex, atol=1e-6)
        for pion in end.particles_out:
            flown = pion.end_vertex.position - end.position
            assert 0 < flown.t < 0.1
            assert [p.pid for p in pion.end_vertex.particles_out] == [22, 22]
    xr.testing.assert_identical(concatenate(HEPMC3.read(tmp_path / "a.hepmc3")), events)


# Pipes and full devices ---------------------------------------------------------------------------------------------


CONVERT = [sys.executable, "-m", "surrogates.cli", "convert"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("stored") / "e.nc"
    NETCDF.write([particle_events(3000)], path)
    return path


@pytest.mark.parametrize("name", ["hepmc3", pytest.param("lhe", marks=pytest.mark.slow)])
def test_a_full_device_ends_a_stream_with_2(stored, name):
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [*CONVERT, stored, "-", "--plugin", "particle-events", "--to", name], stdout=full, stderr=subprocess.PIPE
        )
    assert ended.returncode == 2, ended.stderr
    assert b"No space left on device" in ended.stderr


@pytest.mark.parametrize("name", [pytest.param("hepmc3", marks=pytest.mark.slow), "lhe"])
def test_a_reader_that_goes_away_ends_a_stream_with_141(stored, name):
    with subprocess.Popen(
        [*CONVERT, stored, "-", "--plugin", "particle-events", "--to", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        os.read(writer.stdout.fileno(), 100)
        writer.stdout.close()
        assert writer.wait(60) == 141
