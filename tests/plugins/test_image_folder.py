"""image-folder: any folder of class folders trains, odd files are read or named, and the figures catch cheap fakes."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the extra `images` is not installed")

from PIL import Image

from surrogates.cli.entry import run
from surrogates.contract.errors import SurrogatesError
from surrogates.io import pictures
from surrogates.io.image_folders import cropped_square, read_classes, read_colour
from surrogates.plugins.image_folder import recipes
from surrogates.plugins.image_folder.crops import held_out, truth
from surrogates.plugins.image_folder.measure import FIGURES, reduce
from surrogates.plugins.image_folder.plugin import PLUGIN
from surrogates.plugins.image_folder.recipes import found, read
from surrogates.training.train import train, trained, training_data

HOT, COLD = (250, 40, 20), (10, 60, 200)


def picture(colour, number, shape=(40, 56)):
    """A plain picture with one darker row and column, unlike every other's."""
    values = np.broadcast_to(np.array(colour, np.uint8), (*shape, 3)).copy()
    values[number % shape[0]] //= 2
    values[:, (7 * number) % shape[1]] //= 3
    return Image.fromarray(values)


@pytest.fixture
def folder(tmp_path):
    """Two classes of 20 pictures of 40 x 56 pixels."""
    place = tmp_path / "dataset"
    for name, colour in (("hot  things", HOT), ("cold", COLD)):
        (place / name).mkdir(parents=True)
        for number in range(20):
            picture(colour, number).save(place / name / f"{number:02d}.png")
    return place


def test_classes_size_and_colours_are_those_of_the_folder(folder, tmp_path):
    (pool,) = read(folder, tmp_path / "kept", size=32)
    assert np.array_equal(pool["category"].values[:6], [0, 1, 0, 1, 0, 1])  # so that pictures of a run show every class
    conditions, outputs = found((pool,))
    assert conditions["category"].categories == ("cold", "hot_things")
    assert [outputs.dimension(name).size for name in ("y", "x", "channel")] == [32, 32, 3]
    for code, colour in enumerate((COLD, HOT)):
        seen = pool["image"].values[pool["category"].values == code]
        assert np.abs(np.median(seen, axis=(0, 1, 2)) - np.array(colour) / 255).max() < 0.01
    (again,) = read(folder, tmp_path / "kept", size=32)
    assert again.identical(pool) and (tmp_path / "kept" / "images.npz").is_file()


def test_a_fifth_is_held_out_and_no_training_sees_it(folder, tmp_path):
    for number in range(20, 120):
        for name, colour in (("hot  things", HOT), ("cold", COLD)):
            picture(colour, number, (128, 130)).save(folder / name / f"{number:03d}.png")
    (pool,) = read(folder, tmp_path / "kept", size=32)
    first, second = held_out(folder)
    seen = {image.tobytes() for image in pool["image"].values}
    kept = [{image.tobytes() for image in side["image"].values} for side in (first, second)]
    assert len(first["sample"]) == len(second["sample"]) > 20 and not kept[0] & kept[1]
    assert not (kept[0] | kept[1]) & seen
    assert np.array_equal(first["category"].values[:4], [0, 1, 0, 1])


def test_odd_files_are_read_as_a_person_sees_them(tmp_path):
    rows = np.zeros((8, 12, 3), np.uint8)
    rows[:4] = HOT
    upright = Image.fromarray(rows)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees when shown
    upright.save(tmp_path / "turned.png", exif=exif)
    turned = read_colour(tmp_path / "turned.png")
    assert turned.shape == (12, 8, 3) and np.array_equal(turned[0, -1], HOT) and not turned[0, 0].any()
    upright.convert("CMYK").save(tmp_path / "ink.tif")
    assert np.abs(read_colour(tmp_path / "ink.tif")[0, 0].astype(int) - HOT).max() < 4
    upright.quantize(4).save(tmp_path / "palette.png")
    assert np.abs(read_colour(tmp_path / "palette.png")[0, 0].astype(int) - HOT).max() < 4
    clear = np.dstack((rows, np.full((8, 12), 255, np.uint8)))
    clear[4:, :, 3] = 0
    Image.fromarray(clear).save(tmp_path / "clear.png")
    seen = read_colour(tmp_path / "clear.png")
    assert np.array_equal(seen[0, 0], HOT) and np.array_equal(seen[-1, 0], (255, 255, 255))
    Image.fromarray(np.full((8, 12), 77, np.uint8)).save(tmp_path / "grey.jpg")
    assert set(read_colour(tmp_path / "grey.jpg").ravel().tolist()) == {77}


def test_the_middle_square_is_kept():
    wide = np.zeros((32, 96, 3), np.uint8)
    wide[:, 32:64] = 200
    assert cropped_square(wide, 32).min() == 200
    assert cropped_square(wide, 8).shape == (8, 8, 3) and cropped_square(wide, 64).shape == (64, 64, 3)


def test_what_does_not_read_is_named_and_counted(folder, tmp_path, monkeypatch, capsys):
    whole = (folder / "cold" / "00.png").read_bytes()
    (folder / "cold" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "cold" / "words.jpg").write_text("no picture")
    picture(COLD, 3, (300, 300)).save(folder / "cold" / "bomb.png")
    picture(HOT, 1).save(folder / "hot  things" / "again.png")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 50_000)
    (pool,) = read(folder, tmp_path / "kept", size=32)
    said = capsys.readouterr().err
    assert "read 20 of cold, 20 of hot  things" in said
    assert "(exact duplicates): again.png" in said and "expected at most 50,000 in all): bomb.png" in said
    assert "cut.png" in said and "words.jpg" in said and len(pool["sample"]) <= 40


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda place: None, "is empty; expected a folder with one sub-folder of images a category"),
        (
            lambda place: picture(HOT, 1).save(place / "loose.png"),
            "0 class folders .none.; expected 1 .* 1 images lie",
        ),
        (lambda place: (place / "empty").mkdir(), "empty: no images that read"),
        (
            lambda place: ((place / "few").mkdir(), picture(HOT, 1).save(place / "few" / "1.png")),
            "few: 1 image that reads .* expected 5 or more: fill this class or remove it",
        ),
        (
            lambda place: ((place / "bad").mkdir(), (place / "bad" / "x.png").write_text("no")),
            "bad: no images that read .* x.png: expected a picture",
        ),
    ],
)
def test_a_folder_that_cannot_train_says_why(tmp_path, capsys, make, words):
    place = tmp_path / "dataset"
    place.mkdir()
    make(place)
    with pytest.raises(SurrogatesError, match=words) as caught:
        training_data(PLUGIN, PLUGIN.recipes["gan"], place, tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_two_folders_of_one_name_are_refused(folder):
    (folder / "hot_things").mkdir()
    with pytest.raises(SurrogatesError, match="two class folders are called 'hot_things'"):
        read_classes(folder, 32, colour=True)


def test_one_class_alone_trains(folder, tmp_path):
    for number in range(20):
        (folder / "cold" / f"{number:02d}.png").unlink()
    (folder / "cold").rmdir()
    described, _ = training_data(PLUGIN, PLUGIN.recipes["flow"], folder, tmp_path / "run")
    assert described.conditions["category"].categories == ("hot_things",)


@pytest.mark.parametrize(
    ("recipe", "size"), [("flow", 32), ("gan", 32), pytest.param("flow", 64, marks=pytest.mark.slow)]
)
def test_a_strangers_folder_trains_and_samples(recipe, size, folder, tmp_path, monkeypatch):
    import torch

    from surrogates.noise import Noise

    monkeypatch.setattr(recipes, "MATCHING", 2)  # not the forty batches that a run draws
    options = {"updates": 3, "size": size, "width": 16}
    train(PLUGIN, recipe, tmp_path / "run", data=folder, options=options, device="cpu", progress=False)
    model, codec = trained(PLUGIN, recipe, tmp_path / "run")
    asked = {"category": torch.tensor([0, 1, 1])}
    image = codec.decode(model.sample(codec.encode(asked), Noise(1, torch.arange(3))), asked)["image"]
    assert image.shape == (3, size, size, 3) and 0.0 <= image.min() and image.max() <= 1.0
    assert (tmp_path / "run" / "losses.png").is_file() and list((tmp_path / "run").glob("samples-*.png"))


def test_guidance_goes_farther_from_the_flow_without_a_label():
    import torch

    from surrogates.contract.errors import SchemaError
    from surrogates.models.guided_flow import GuidedSampler, PixelFlow
    from surrogates.models.image_codec import ImageCodec

    model = PixelFlow(ImageCodec(2, 16, channels=3), 8, unlabelled=0.1)
    for parameter in model.flow.parameters():  # the last layer begins at 0
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(1))
    x, time, label = torch.randn(4, 3, 16, 16), torch.rand(4), torch.eye(2)[[0, 1, 0, 1]]
    told, plain = model.flow(x, time, label), model.flow(x, time, 0 * label)
    model.options = GuidedSampler(guidance=3.0)
    assert torch.allclose(model.velocity()(x, time, label) - plain, 3.0 * (told - plain), atol=1e-5)
    with pytest.raises(SchemaError, match="^guidance: 0.5"):
        GuidedSampler(guidance=0.5)
    model.unlabelled = 0.0
    with pytest.raises(SchemaError, match="trained with every label told"):
        model.velocity()


def test_figures_pass_the_truth_and_catch_a_memoriser_a_blur_and_wrong_labels():
    first, second = truth(480, 2), reduce(truth(480, 3))
    fair = FIGURES(first, second)
    few = first.isel(sample=np.tile(np.arange(30), 16)).assign_coords(sample=np.arange(480))
    copies, smooth = FIGURES(few, second), FIGURES(PLUGIN.impostors["blurred images"](first, 1), second)
    assert fair["uncovered"] < 0.1 and fair["siblings"] < 0.1 and fair["teaching_loss"] < 0.1
    assert copies["siblings"] > 0.9 and copies["uncovered"] > 0.5
    assert smooth["edges"] > 4 * fair["edges"] and smooth["power"] > 4 * fair["power"]
    assert smooth["feature_frechet"] > 4 * fair["feature_frechet"]
    wrong = FIGURES(first.assign(category=first["category"].copy(data=np.roll(first["category"].values, 1))), second)
    assert wrong["teaching_loss"] > 0.5 and wrong["category_apart"] > 4 * fair["category_apart"]


def test_pages_and_files_hold_the_pictures(tmp_path):
    data = truth(10, 1)
    formats = {one.name: one for one in PLUGIN.formats}
    formats["page"].write([data.isel(sample=slice(0, 6)), data.isel(sample=slice(6, 10))], tmp_path / "all.page.png")
    page = np.asarray(Image.open(tmp_path / "all.page.png"), dtype=float) / 255
    assert page.shape == (3 * 32, 4 * 32, 3) and not page[64:, 64:].any()
    assert np.abs(page[32:64, 64:96] - data["image"].values[6]).max() < 0.003
    formats["png"].write([data.isel(sample=[3])], tmp_path / "one.png")
    (back,) = formats["png"].read(tmp_path / "one.png")
    assert np.abs(back["image"].values[0] - data["image"].values[3]).max() < 0.003


def test_samples_of_other_labels_than_the_packaged_truths_ask_for_their_own():
    from surrogates.contract.errors import SimulatorMissing
    from surrogates.reporting.held_out import held_out as packaged

    samples = truth(10, 1)
    assert len(packaged(PLUGIN, samples, seed=1)) == 3
    samples["category"].attrs["flag_meanings"] = " ".join("abcdefghij")
    with pytest.raises(SimulatorMissing, match="^category: the samples' are a, b, c, …, .* give --reference FILE"):
        packaged(PLUGIN, samples, seed=1)


def test_training_without_a_folder_says_what_it_needs(capsys, tmp_path):
    assert run(["train", "image-folder", "--run", str(tmp_path / "run")]) != 0
    assert "one sub-folder of images a category" in capsys.readouterr().err


def test_waves_are_matched_however_few_updates_there_are():
    import torch

    from surrogates.contract.recipe import Batch
    from surrogates.models.guided_flow import GuidedSampler, PixelFlow
    from surrogates.models.image_codec import ImageCodec
    from surrogates.models.spectrum_matching import SpectrumMatching
    from surrogates.noise import Noise

    torch.manual_seed(0)
    model = PixelFlow(ImageCodec(2, 16, channels=3), 8, unlabelled=0.1, sampler=GuidedSampler(steps=1)).eval()
    phase = PLUGIN.recipes["flow"].shortened(30).phases[-1]
    assert phase.updates == 1
    label = torch.eye(2)[torch.arange(8) % 2]
    for step in range(2):
        images = 0.3 * torch.randn(8, 3, 16, 16)
        list(phase.steps(model, Batch({"image": images}, {"label": label}, Noise(step, torch.arange(8)), step)))
        assert (model.spectrum.gain != 1.0).all()
    expected = SpectrumMatching(2, 3, 16)
    expected.match(model.drawn, model.given)  # counted before the filter, all of both updates
    assert torch.equal(model.spectrum.gain, expected.gain)
    assert model.drawn.images.tolist() == model.given.images.tolist() == [8.0, 8.0]
