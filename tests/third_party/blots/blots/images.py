"""blots: grey images by class, classes and size as the user's folder has them; written as one PGM file a sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import nn

from surrogates.contract.plugin import Plugin
from surrogates.contract.recipe import Adam, Batch, Phase, Recipe, configurable
from surrogates.contract.schema import Dimension, Schema, Variable
from surrogates.io import FileFormatError, Format
from surrogates.io.atomic import replacing

CONDITIONS = Schema((Variable("species", "class of the blot", dtype="int8", categories=()),))
OUTPUTS = Schema(
    (Variable("image", "grey value", dims=("y", "x"), dtype="float32", bounds=(0.0, 255.0)),),
    (Dimension("y", multiple=2), Dimension("x", multiple=2)),
)


def read_folders(folder: Path) -> tuple[xr.Dataset, ...]:
    """Images of a folder whose sub-folders are the classes."""
    classes = sorted(entry.name for entry in Path(folder).iterdir() if entry.is_dir())
    images, codes = [], []
    for code, name in enumerate(classes):
        for path in sorted((Path(folder) / name).glob("*.pgm")):
            images.append(read_pgm(path).image.values[0])
            codes.append(code)
    labels = {"flag_values": np.arange(len(classes), dtype=np.int8), "flag_meanings": " ".join(classes)}
    data = {
        "image": (("sample", "y", "x"), np.stack(images)),
        "species": ("sample", np.array(codes, dtype=np.int8), labels),
    }
    return (xr.Dataset(data, coords={"sample": np.arange(len(images))}),)


def write_pgm(blocks: Iterable[xr.Dataset], target: str | Path, *, overwrite: bool = False) -> None:
    """Write one image as PGM (P5, 8 bits)."""
    (block,) = blocks
    (image,) = np.clip(np.round(block["image"].values), 0, 255).astype(np.uint8)
    with replacing(Path(target), overwrite=overwrite) as temporary:
        Path(temporary).write_bytes(f"P5\n{image.shape[1]} {image.shape[0]}\n255\n".encode() + image.tobytes())


def read_pgm(path: Path) -> xr.Dataset:
    """The image of a PGM file."""
    try:
        magic, size, _, pixels = Path(path).read_bytes().split(b"\n", 3)
        width, height = map(int, size.split())
        image = np.frombuffer(pixels, dtype=np.uint8).reshape(1, height, width).astype(np.float32)
    except ValueError:
        raise FileFormatError(f"{path}: expected a PGM file (P5, 8 bits)") from None
    if magic != b"P5":
        raise FileFormatError(f"{path}: expected a PGM file (P5, 8 bits)")
    return OUTPUTS.dataset({"image": image})


def _one(path: Path) -> Iterator[xr.Dataset]:
    yield read_pgm(path)


PGM = Format("pgm", (".pgm",), "portable grey map, one image a file", write_pgm, _one, one_sample_a_file=True)


class Means(nn.Module):
    """Images as differences from the mean of their class."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(1, 2, 2))

    def fit(self, pools) -> None:
        """Means of each class."""
        species, image = pools[0]["species"], pools[0]["image"]
        self.means = torch.stack([image[species == code].mean(0) for code in range(int(species.max()) + 1)])

    def encode(self, physical):
        """The class, and what an image has beyond its mean."""
        encoded = {"species": physical["species"]}
        if "image" in physical:
            encoded["image"] = physical["image"] - self.means[physical["species"]]
        return encoded

    def decode(self, encoded, conditions):
        """Grey values between 0 and 255."""
        return {"image": (self.means[conditions["species"]] + encoded["image"].double()).clamp(0.0, 255.0)}


class Spread(nn.Module):
    """Normal deviations of a learned width for every class."""

    ships = ("width",)

    def __init__(self, codec: Means, start: float) -> None:
        super().__init__()
        self.shape = tuple(codec.means.shape[1:])
        self.width = nn.Embedding(len(codec.means), 1)
        nn.init.constant_(self.width.weight, start)

    def sample(self, conditions, noise):
        """Draw the deviations of an image."""
        width = self.width(conditions["species"])[..., None].exp()
        return {"image": width * noise.normal(self.shape, "image").to(width.dtype)}


def likelihood(model: Spread, batch: Batch):
    """Maximum likelihood of the widths."""
    log_width = model.width(batch.conditions["species"])
    square = batch.encoded["image"].square().mean((1, 2), keepdim=True)[..., 0]
    yield "width", (log_width + 0.5 * square * torch.exp(-2.0 * log_width))[:, 0]


@dataclass(frozen=True)
class Options:
    """What `train --set` may change."""

    updates: int = 60
    start: float = 0.0
    sizes: tuple[int, ...] = (1, 2)
    flip: bool = False

    def __post_init__(self) -> None:
        if self.updates < 1:
            raise ValueError(f"{self.updates} updates; expected 1 or more")


def recipe(options: Options) -> Recipe:
    """Spread around the mean of each class."""
    phase = Phase(likelihood, options.updates, {"width": Adam(0.1)}, average=0.5)
    return Recipe(
        None, lambda codec: Spread(codec, options.start), (phase,), batch_size=8, sample_batch=4,
        learns=lambda folder, kept: read_folders(folder), layout="a folder of a kind, each holding .pgm pictures",
        source="a folder of images, one sub-folder a class",
    )  # fmt: skip


def prior(schema: Schema, n: int, seed: int) -> xr.Dataset:
    """Every class in turn."""
    return schema.dataset({"species": (np.arange(n) + seed) % len(schema["species"].categories or ())})


def measure(samples, truth, training=None):
    """Difference of mean grey values."""
    return {"mean": abs(float(samples["image"].mean()) - float(truth["image"].mean()))}


def figure(samples, truth=None):
    """The first image."""
    from matplotlib.figure import Figure

    drawn = Figure()
    drawn.subplots().imshow(samples["image"].values[0], cmap="gray")
    return drawn


PLUGIN = Plugin(
    name="blots",
    title="grey images by class, of a folder",
    conditions=CONDITIONS,
    outputs=OUTPUTS,
    prior=prior,
    truth=lambda n, seed: xr.Dataset(),
    codec=Means,
    recipes={"spread": configurable(recipe, Options())},
    constraints=(),
    measure=measure,
    targets={},
    figure=figure,
    formats=(PGM,),
)
