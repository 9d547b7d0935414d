"""Card and Finding: what released weights are, what they were trained on, how good they are and how it was measured.

A card is one JSON file beside its safetensors file. Reading it needs neither torch nor the plugin.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import SchemaError, WeightsError
from ..contract.findings import Anchor, Finding
from ..io.atomic import replacing

if TYPE_CHECKING:
    from ..contract.plugin import Plugin

WEIGHTS_VERSION = 1
"""Layout of weights and card; files of another layout are refused."""


_COVERED = ("plugin", "recipe", "version", "sha256", "trained_range", "unseen", "also", "schemas", "options")


@dataclass(frozen=True)
class Speed:
    """How fast one side of a benchmark ran.

    Attributes
    ----------
    side : str
        "surrogate", "reference" or the name of an alternative.
    samples : int
    cpu_seconds, wall_seconds : float
    threads : int
    batch : int, optional
        Samples computed at a time.
    hardware : str
    """

    side: str
    samples: int
    cpu_seconds: float
    wall_seconds: float
    threads: int = 1
    batch: int | None = None
    hardware: str = ""

    @property
    def rate(self) -> float:
        """Samples per CPU-second."""
        return self.samples / self.cpu_seconds if self.cpu_seconds > 0 else math.inf


@dataclass(frozen=True)
class Card:
    """What one set of released weights is.

    Attributes
    ----------
    plugin, recipe, title : str
    version : int
        Layout of the weights file, `WEIGHTS_VERSION`.
    sha256 : str
        Of the safetensors file.
    parameters, bytes : int
        Numbers of the shipped networks (codec excluded) and size of the file.
    trained_range : mapping
        Condition -> (low, high) in schema units that the training data covered.
    unseen : tuple of str
        Optional conditions that no training sample had; they cannot be asked.
    training_data, training_licence, hardware, date : str
    seed : int, optional
    training_samples : int
    packages : mapping
        Distribution -> version at training time.
    findings : tuple of Finding
    speed : tuple of Speed
    baselines : mapping
        Baseline -> figure -> value: impostors and cheap alternatives, measured as the model was.
    anchors : tuple of Anchor
    notes : tuple of str
    use : str
        What the weights are good enough for and what not, in words.
    baseline : bool
        A model of the literature, kept to be compared with.
    position : int
        Of the recipe among its plugin's; 0 is the default.
    laws : mapping
        Law -> (largest residual over 1,000 samples of the prior or more, tolerance).
    also : tuple of str
        Further plugins that the same weights serve.
    schemas : mapping
        Plugin -> its ``conditions`` and ``outputs`` as plain data, where training found what the plugin leaves open.
    options : mapping
        The recipe's options that the weights were trained with.
    worthwhile_from : int, optional
        Fewest samples a call from which the surrogate takes less CPU time than its reference, both warm on one core.
    package : str
        Distribution that brings the weights file, where it does not stand beside the card: the main wheel stays small.
    covered : str
        Digest of what decides how the weights may be used, the weights' sha256 included; set when the card is written.
    """

    plugin: str
    recipe: str
    title: str = ""
    version: int = WEIGHTS_VERSION
    sha256: str = ""
    parameters: int = 0
    bytes: int = 0
    trained_range: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    training_data: str = ""
    training_licence: str = ""
    training_samples: int = 0
    hardware: str = ""
    date: str = ""
    seed: int | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    speed: tuple[Speed, ...] = ()
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    anchors: tuple[Anchor, ...] = ()
    notes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    use: str = ""
    baseline: bool = False
    position: int = 0
    laws: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    worthwhile_from: int | None = None
    package: str = ""
    covered: str = field(default="", compare=False)

    @property
    def plugins(self) -> tuple[str, ...]:
        """Every plugin that the weights serve."""
        return (self.plugin, *self.also)

    def described(self, plugin: Plugin) -> Plugin:
        """The plugin with the schemas that training found and the recipe as it was trained.

        Raises
        ------
        WeightsError
            Weights of another plugin or recipe, or of options that the recipe does not have.
        """
        if plugin.name not in self.plugins:
            raise WeightsError(f"weights of plugin {' and '.join(map(repr, self.plugins))}; expected {plugin.name!r}")
        if self.recipe not in plugin.recipes:
            raise WeightsError(f"weights of recipe {self.recipe!r}; {plugin.name} has {', '.join(plugin.recipes)}")
        if self.options:
            try:
                recipe = plugin.recipes[self.recipe].using(**self.options)
            except SchemaError as error:
                raise WeightsError(f"{error}; weights of another version of this plugin, train anew") from None
            plugin = replace(plugin, recipes={**plugin.recipes, self.recipe: recipe})
        if plugin.name in self.schemas:
            from ..contract.schema import Schema

            found = {kind: Schema.from_json(data) for kind, data in self.schemas[plugin.name].items()}
            plugin = plugin.with_schemas(found["conditions"], found["outputs"])
        return plugin

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back; a number that is not finite is written as null."""
        return _finite(asdict(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Card:
        """Read what `to_json` wrote.

        Raises
        ------
        WeightsError
            A field is missing or unknown.
        """
        unknown = sorted(set(data) - {item.name for item in fields(cls)})
        if unknown:
            raise WeightsError(f"card: unknown field {unknown[0]!r}; expected a card of version {WEIGHTS_VERSION}")
        try:
            rows = dict(data)
            rows["trained_range"] = {
                name: (float(low), float(high)) for name, (low, high) in data.get("trained_range", {}).items()
            }
            rows["findings"] = tuple(
                Finding(**{**row, "value": math.nan if row["value"] is None else row["value"]})
                for row in data.get("findings", ())
            )
            rows["laws"] = {name: (float(size), float(most)) for name, (size, most) in data.get("laws", {}).items()}
            rows["speed"] = tuple(Speed(**row) for row in data.get("speed", ()))
            rows["anchors"] = tuple(Anchor(**row) for row in data.get("anchors", ()))
            rows["notes"] = tuple(data.get("notes", ()))
            rows["unseen"] = tuple(data.get("unseen", ()))
            rows["also"] = tuple(data.get("also", ()))
            for name in ("plugin", "recipe", "sha256"):
                if not isinstance(rows.get(name, ""), str):
                    raise TypeError(f"{name} is {rows[name]!r}, no text")
            return cls(**rows)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise WeightsError(f"card: {error}; expected a card of version {WEIGHTS_VERSION}") from None

    @classmethod
    def read(cls, path: str | Path) -> Card:
        """Read a card's JSON file.

        Raises
        ------
        WeightsError
            Missing or broken file, or another version.
        """
        path = Path(path)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WeightsError(f"{path}: no such card; expected the JSON file beside the weights") from None
        except (OSError, ValueError, RecursionError) as error:
            raise WeightsError(f"{path}: the card does not read ({error})") from None
        if not isinstance(data, dict):
            raise WeightsError(f"{path}: the card is no JSON object")
        if data.get("version") != WEIGHTS_VERSION:
            raise WeightsError(
                f"{path}: weights of version {data.get('version')}; this release reads version {WEIGHTS_VERSION}: "
                f"install the release that made them or train anew"
            )
        return cls.from_json(data)

    @property
    def digest(self) -> str:
        """What `covered` has to be: any other trained range, or other weights, give another one."""
        content = Card.from_json(self.to_json()).to_json()  # numbers as they are read back
        return hashlib.sha256(json.dumps({key: content[key] for key in _COVERED}, sort_keys=True).encode()).hexdigest()

    def write(self, path: str | Path) -> None:
        """Write the card as JSON with its digest, in place of an older one only once complete."""
        text = json.dumps({**self.to_json(), "covered": self.digest}, indent=1, sort_keys=True) + "\n"
        with replacing(Path(path), overwrite=True) as partial:
            partial.write_text(text, encoding="utf-8")

    @property
    def unmet(self) -> tuple[Finding, ...]:
        """Findings that miss their limit."""
        return tuple(finding for finding in self.findings if finding.passed is False)


def weights_file(card: str | Path) -> Path:
    """The safetensors file of a card's JSON file: beside it, or in the package that the card names."""
    beside = Path(card).with_suffix(".safetensors")
    if beside.is_file() or not Path(card).is_file():
        return beside
    folder = package_folder(Card.read(card).package)
    return beside if folder is None else folder / beside.name


def package_folder(package: str) -> Path | None:
    """Where a distribution of weights is installed; None where it is not, or where the name is empty."""
    spec = importlib.util.find_spec(package.replace("-", "_")) if package else None
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_header(path: str | Path) -> dict[str, Any]:
    """The JSON header of a safetensors file: tensor name -> dtype, shape and offsets, and ``__metadata__``.

    Raises
    ------
    WeightsError
        When the file is no safetensors file.
    """
    try:
        with open(path, "rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > 100_000_000:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(stream.read(length))
    except OSError as error:
        raise WeightsError(f"{path}: the weights do not read ({error.strerror})") from None
    except (struct.error, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: no safetensors file ({error}); fetch it again") from None
    if not isinstance(header, dict) or not all(isinstance(entry, dict) for entry in header.values()):
        raise WeightsError(f"{path}: no safetensors file; fetch it again")
    return header


def count_parameters(path: str | Path) -> int:
    """Numbers of the networks in a safetensors file, the codec's fitted numbers left out."""
    header = read_header(path)
    return sum(
        math.prod(item["shape"])
        for name, item in header.items()
        if name != "__metadata__" and not name.startswith("codec.")
    )


def verify(card_path: str | Path) -> Card:
    """Read a card and hold its weights file against it: size, SHA-256, plugin, recipe and version.

    Raises
    ------
    WeightsError
        Weights that are missing, altered or another model's.
    """
    card_path = Path(card_path)
    card = Card.read(card_path)
    if card.covered != card.digest:
        state = "was edited since it was written" if card.covered else "has no digest"
        raise WeightsError(
            f"{card_path}: the card {state} (its entry `covered`): {', '.join(_COVERED)} hold for the weights as they "
            "were trained; fetch it again, or allow more with extrapolate=True"
        )
    path = weights_file(card_path)
    if not path.is_file() and card.package:
        raise WeightsError(
            f"{card.plugin}/{card.recipe}: its weights come with the package {card.package!r}, which is not installed; "
            f"pip install {card.package} (in a clone: make install)"
        )
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights; expected them beside {card_path.name}")
    found = file_sha256(path)
    if found != card.sha256:
        raise WeightsError(
            f"{path}: altered weights, sha256 {found[:12]}… where the card says {card.sha256[:12]}…; fetch them again"
        )
    try:
        written = dict(json.loads(read_header(path).get("__metadata__", {}).get("surrogates", "{}")))
    except (ValueError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path}: the metadata do not read ({error}); fetch it again") from None
    asked = {"plugin": card.plugin, "recipe": card.recipe, "version": card.version}
    for key, expected in asked.items():
        if written.get(key) != expected:
            raise WeightsError(
                f"{path}: made for {key} {written.get(key)!r}, the card says {expected!r}; keep them together"
            )
    return card


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data
