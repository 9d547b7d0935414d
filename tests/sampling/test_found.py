"""What a third party's plugin leaves open, training finds in data and the card keeps; one file serves two plugins."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import surrogates
from surrogates import registry
from surrogates.cli.entry import run
from surrogates.contract.errors import SchemaError, WeightsError
from surrogates.release.cards import Card
from surrogates.release.weights import load_release
from surrogates.sampling.files import read_whole

SOURCE = Path(__file__).parents[1] / "third_party" / "blots"


@pytest.fixture
def blots(tmp_path, monkeypatch):
    """The third-party package, installed into a folder of its own; its weights come there too."""
    site = tmp_path / "site"
    shutil.copytree(SOURCE / "blots", site / "blots")
    info = site / "surrogates_blots-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: surrogates-blots\nVersion: 1.0.0\n")
    shutil.copy(SOURCE / "entry_points.txt", info)
    for name in [name for name in sys.modules if name.partition(".")[0] == "blots"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(site))
    yield site / "blots"
    for name in [name for name in sys.modules if name.partition(".")[0] == "blots"]:
        del sys.modules[name]


def call(*words: object) -> int:
    return run([str(word) for word in words])


def refused(capsys, *words: object) -> str:
    capsys.readouterr()
    assert call(*words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.fixture
def pictures(tmp_path, blots):
    """Three classes of 4 x 6 pixels."""
    from blots.images import OUTPUTS, write_pgm

    draw = np.random.default_rng(1)
    for level, name in ((50, "ash"), (120, "birch"), (200, "elm")):
        (tmp_path / "trees" / name).mkdir(parents=True)
        for number in range(8):
            image = OUTPUTS.dataset({"image": level + 9.0 * draw.standard_normal((1, 4, 6))})
            write_pgm([image], tmp_path / "trees" / name / f"{number}.pgm")
    return tmp_path / "trees"


def trained(pictures: Path, run: Path, *more: object) -> int:
    return call("train", "blots", "--data", pictures, "--run", run, "--device", "cpu", *more)


def test_classes_and_size_of_a_folder_are_the_surrogates(pictures, tmp_path, capsys):
    assert trained(pictures, tmp_path / "run", "--release") == 0
    surrogate = surrogates.load("blots")
    assert surrogate.conditions["species"].categories == ("ash", "birch", "elm")
    assert surrogate.outputs.dimension("y").size == 4 and surrogate.outputs.dimension("x").size == 6
    made = surrogate.sample(6, seed=1, species=["elm", "ash", "birch"] * 2)
    assert made["image"].shape == (6, 4, 6) and made["species"].attrs["flag_meanings"] == "ash birch elm"
    means = made["image"].mean(("y", "x")).values
    assert (np.abs(means[:3] - [200, 50, 120]) < 15).all()
    with pytest.raises(SchemaError, match="^species: 'oak' is unknown; expected one of ash, birch, elm"):
        surrogate.sample(1, seed=1, species="oak")
    capsys.readouterr()
    assert call("generate", "blots", "--help") == 0
    assert "[ash|birch|elm]" in capsys.readouterr().out
    assert call("generate", "blots", "-n", 9, "--prior", "-o", tmp_path / "all.nc") == 0
    np.testing.assert_array_equal(read_whole(tmp_path / "all.nc")["species"], [0, 1, 2] * 3)
    assert call("generate", "blots", "-n", 9, "--prior", "--workers", 2, "-o", tmp_path / "two.nc") == 0
    np.testing.assert_array_equal(read_whole(tmp_path / "two.nc")["image"], read_whole(tmp_path / "all.nc")["image"])


def test_weights_of_another_folder_bring_their_own_options(pictures, tmp_path, capsys):
    (pictures / "birch").rename(pictures / "zelkova")
    assert trained(pictures, tmp_path / "run") == 0
    weights = tmp_path / "run" / "spread.safetensors"
    capsys.readouterr()
    assert call("generate", "blots", "--weights", weights, "--help") == 0
    assert "[ash|elm|zelkova]" in capsys.readouterr().out
    assert call("generate", "blots", "--weights", weights, "-n", 2, "--species", "elm", "-o", tmp_path / "e.nc") == 0


def test_folders_that_disagree_on_the_size_are_one_line(pictures, tmp_path, capsys, monkeypatch):
    from blots import images

    (pool,) = images.read_folders(pictures)
    small = pool.isel(x=slice(0, 4))
    declared = registry.plugin("blots")
    from surrogates.contract.found import with_found_schemas

    with pytest.raises(SchemaError, match="^x: 6 and 4 in the training data; expected equal lengths"):
        with_found_schemas(declared, declared.recipes["spread"], [pool, small])
    with pytest.raises(SchemaError, match=r"^image: 5 along x; expected a multiple of 2 \(4 or 6\)"):
        with_found_schemas(declared, declared.recipes["spread"], [pool.isel(x=slice(0, 5))])
    pool["species"].attrs.pop("flag_meanings")
    with pytest.raises(SchemaError, match="^species: no training data name its labels"):
        with_found_schemas(declared, declared.recipes["spread"], [pool])


def test_columns_of_a_table_are_the_outputs(blots, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("mass [kg],sex,age\n60,f,30\n80,m,41\n75,f,22\n90,x,65\n")
    assert call("train", "blot-tables", "--data", table, "--run", tmp_path / "run", "--release") == 0
    surrogate = surrogates.load("blot-tables")
    assert surrogate.outputs.names == ("mass", "sex", "age") and surrogate.outputs["mass"].units == "kg"
    made = surrogate.sample(20, seed=1)
    assert set(made["mass"].values) <= {60.0, 75.0, 80.0, 90.0}
    assert made["sex"].attrs["flag_meanings"] == "f m x" and made["sex"].dtype == np.int16


def test_conditions_that_training_found_are_taken_from_a_table(blots, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("mass [kg],group,age\n60,old,30\n80,young,41\n75,young,22\n")
    assert call("train", "blot-tables", "--data", table, "--run", tmp_path / "run", "--release") == 0
    assert surrogates.load("blot-tables").conditions.names == ("group",)
    rows = tmp_path / "rows.csv"
    rows.write_text("group,label\nyoung,a\nold,b\nyoung,c\n")
    command = ("generate", "blot-tables", "--conditions", rows, "--keep", "label")
    for name, more in (("one.nc", ()), ("two.nc", ("--workers", 2)), ("parts", ("--part-size", 1024))):
        target = f"{tmp_path / name}/" if name == "parts" else tmp_path / name
        assert call(*command, "-o", target, *more) == 0
        made = read_whole(tmp_path / name)
        assert made["group"].values.tolist() == [1, 0, 1]
        assert made["group"].attrs["flag_meanings"] == "old young"
        assert made["label"].values.tolist() == ["a", "b", "c"]


def test_pools_in_one_file_carry_their_schemas(pictures, tmp_path):
    from surrogates.training.pools import write_pools
    from surrogates.training.train import training_data

    declared = registry.plugin("blots")
    found, pools = training_data(declared, declared.recipes["spread"], pictures, tmp_path)
    write_pools(tmp_path / "pools.h5", pools, {"blots": (found.conditions, found.outputs)})
    again, _ = training_data(declared, declared.recipes["spread"], tmp_path / "pools.h5", tmp_path)
    assert again.conditions == found.conditions and again.outputs == found.outputs != declared.outputs


def test_options_of_a_recipe_are_set_kept_and_checked(pictures, tmp_path, capsys):
    folder = tmp_path / "run"
    assert trained(pictures, folder, "--set", "updates=7", "--set", "start=0.5", "--set", "sizes=3,4") == 0
    card = Card.read(folder / "spread.json")
    assert card.options == {"updates": 7, "start": 0.5, "sizes": [3, 4], "flip": False}
    opened = surrogates.load("blots", weights=folder / "spread.safetensors")
    assert opened.plugin.recipes["spread"].options.sizes == (3, 4)
    assert opened.plugin.recipes["spread"].phases[0].updates == 7
    assert "updates = [7], now [60]" in refused(
        capsys, "train", "blots", "--data", pictures, "--run", folder, "--device", "cpu"
    )
    other = ("--set", "updates=7", "--set", "start=0.25", "--set", "sizes=3,4")
    assert "was trained with options" in refused(
        capsys, "train", "blots", "--data", pictures, "--run", folder, "--device", "cpu", *other
    )
    for said, *words in (
        (
            "updats: no option of this recipe; expected updates, start, sizes, flip (did you mean 'updates'?)",
            "updats=1",
        ),
        ("updates: 'many' is not a whole number; expected one, as 60", "updates=many"),
        ("start: 'nan' is not a finite number", "start=nan"),
        ("flip: 'perhaps'; expected true or false", "flip=perhaps"),
        ("0 updates; expected 1 or more", "updates=0"),
        ("expected NAME=VALUE", "updates"),
    ):
        line = refused(capsys, "train", "blots", "--data", pictures, "--run", tmp_path / "no", "--set", *words)
        assert said in line
        assert not (tmp_path / "no").exists()
    assert call("info", "blots", "--json") == 0
    assert json.loads(capsys.readouterr().out)["recipe_options"]["spread"]["updates"] == 60


def test_a_recipe_without_options_says_so(blots, tmp_path, capsys):
    line = refused(capsys, "train", "day-to-night", "--run", tmp_path / "run", "--set", "width=3")
    assert "width: no option of this recipe; expected none" in line


def test_one_weight_file_serves_two_plugins(blots, tmp_path, capsys):
    assert call("train", "day-to-night", "--run", tmp_path / "run", "--device", "cpu", "--release") == 0
    (card,) = registry.entry("day-to-night").cards()
    assert card.plugins == ("day-to-night", "night-to-day")
    assert set(card.trained_range) == {"day", "night"}
    assert registry.entry("night-to-day").cards() == (card,)
    assert [entry.name for entry in registry.plugins() if card in registry.entry(entry.name).cards()] == [
        "day-to-night", "night-to-day",
    ]  # fmt: skip
    forth, back = surrogates.load("day-to-night"), surrogates.load("night-to-day")
    day = 100.0 * np.random.default_rng(9).random((3, 4, 6))
    night = forth.sample(3, seed=1, day=day)["night"]
    again = back.sample(3, seed=1, night=night)["day"]
    assert night.shape == (3, 4, 6) and np.abs(night.mean() - 5.0) < 1.5
    np.testing.assert_allclose(again, day, atol=12.0)
    np.save(tmp_path / "day.npy", day)
    assert call("generate", "day-to-night", "--day", tmp_path / "day.npy", "-o", tmp_path / "n.nc") == 0
    np.testing.assert_array_equal(read_whole(tmp_path / "n.nc")["night"], night)
    with pytest.raises(WeightsError, match="weights of plugin 'day-to-night' and 'night-to-day'; expected 'blots'"):
        load_release(registry.plugin("blots"), registry.entry("day-to-night").weights / "cycle.safetensors")
    capsys.readouterr()
    assert call("list", "--json") == 0
    listed = {entry["name"]: entry["models"] for entry in json.loads(capsys.readouterr().out)["plugins"]}
    assert [model["recipe"] for model in listed["night-to-day"]] == ["cycle"] and listed["blots"] == []


@pytest.fixture
def learned(pictures, tmp_path):
    """Trained weights of the images."""
    assert trained(pictures, tmp_path / "run", "--release") == 0


PGMS = ("generate", "blots", "-n", 22, "--prior", "--seed", 3, "--format", "pgm", "--part-size", 8)


def test_one_file_a_sample_has_the_manifest_and_the_guarantees_of_parts(learned, tmp_path, capsys):
    folder = tmp_path / "all"
    assert call(*PGMS, "-o", f"{folder}/") == 0
    names = sorted(path.name for path in folder.glob("sample-*.pgm"))
    assert names == [f"sample-{number:09d}.pgm" for number in range(22)]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["complete"] and manifest["rows"] == 22 and manifest["provenance"]["format"] == "pgm"
    assert [part["file"] for part in manifest["parts"]] == [f"part-0000{k}.sha256" for k in range(3)]
    digests = dict(line.split("  ")[::-1] for line in (folder / "part-00001.sha256").read_text().splitlines())
    for name in digests:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digests[name]
    assert call("generate", "blots", "-n", 22, "--prior", "--seed", 3, "-o", tmp_path / "all.nc") == 0
    whole = read_whole(tmp_path / "all.nc")
    read = read_whole(folder, registry.plugin("blots"))
    np.testing.assert_array_equal(read["sample"], whole["sample"])
    np.testing.assert_array_equal(read["image"], np.round(whole["image"]))
    assert call("verify", folder) == 0
    assert call("convert", folder, tmp_path / "read.nc") == 0
    np.testing.assert_array_equal(read_whole(tmp_path / "read.nc")["image"], read["image"])
    (folder / names[9]).write_bytes(b"P5\n6 4\n255\n" + bytes(24))
    assert call("verify", folder) == 1
    assert f"{names[9]}: altered" in "".join(capsys.readouterr())
    assert names[9] in refused(capsys, *PGMS, "-o", f"{folder}/", "--resume")
    assert call(*PGMS, "-o", f"{folder}/", "--overwrite") == 0
    assert call("verify", folder) == 0


def test_runs_of_one_file_a_sample_are_shared_resumed_and_done_in_processes(learned, tmp_path, capsys):
    def content(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.glob("*") if path.suffix in (".pgm", ".sha256")}

    assert call(*PGMS, "-o", f"{tmp_path}/one/") == 0
    whole = content(tmp_path / "one")
    for share in ("2/3", "1/3", "3/3"):
        assert call(*PGMS, "-o", f"{tmp_path}/shared/", "--shard", share) == 0
    assert content(tmp_path / "shared") == whole
    assert call(*PGMS, "-o", f"{tmp_path}/two/", "--workers", 2) == 0
    assert content(tmp_path / "two") == whole
    for name in ("part-00001.sha256", "part-00001.json", "sample-000000010.pgm"):
        (tmp_path / "one" / name).unlink()
    (tmp_path / "one" / ".sample-000000011.pgm.0123456789ab.tmp").write_bytes(b"of a killed run")
    assert call(*PGMS, "-o", f"{tmp_path}/one/", "--resume") == 0
    assert content(tmp_path / "one") == whole and not list((tmp_path / "one").glob(".sample*"))
    other = tuple("hdf5" if word == "pgm" else word for word in PGMS)
    assert "--format hdf5: a folder holds NetCDF-4 shards" in refused(capsys, *other, "-o", f"{tmp_path}/no/")
    many = refused(capsys, "generate", "blots", "-n", 3, "--prior", "-o", tmp_path / "three.pgm")
    assert "holds one sample a file, 3 are asked; give a folder, -o three/ --format pgm" in many
    assert call("generate", "blots", "-n", 1, "--prior", "-o", tmp_path / "one.pgm") == 0
    mixed = refused(capsys, "generate", "blots", "-n", 22, "--prior", "--seed", 3, "--part-size", 8, "--resume",
                    "-o", f"{tmp_path}/one/")  # fmt: skip
    assert "format" in mixed
    sized = refused(capsys, *("100kB" if word == 8 else word for word in PGMS), "-o", f"{tmp_path}/no/")
    assert "--part-size 100 kB: in the format pgm each sample is a file of its own; expected a number" in sized
    assert "one file a sample" in refused(capsys, "merge", tmp_path / "one", tmp_path / "merged.nc")


@pytest.mark.slow
def test_a_killed_run_of_one_file_a_sample_goes_on(learned, tmp_path, blots):
    words = [str(word) for word in (*PGMS, "-o", f"{tmp_path}/killed/")]
    words[words.index("22")] = "400"
    code = (
        f"import sys; sys.path.insert(0, {str(blots.parent)!r})\nfrom surrogates.cli.entry import run; run({words!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("part-00002.sha256")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    lists = list((tmp_path / "killed").glob("part-*.sha256"))
    assert 3 <= len(lists) < 50
    assert call(*words, "--resume") == 0 and call("verify", tmp_path / "killed") == 0
    assert len(list((tmp_path / "killed").glob("sample-*.pgm"))) == 400
