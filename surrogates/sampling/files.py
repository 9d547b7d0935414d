"""Files of samples: the formats that a plugin knows, reading them, and finding whose samples a file holds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import registry
from ..contract.errors import PluginError, SchemaError, SurrogatesError
from ..io import HDF5, NETCDF, FileFormatError, FormatError, Formats
from ..io.formats import named_errors
from ..io.manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin
    from ..contract.schema import Variable


def formats_of(plugin: Plugin | None) -> Formats:
    """NetCDF-4, HDF5 and the plugin's native formats."""
    return Formats((NETCDF, HDF5, *(plugin.formats if plugin is not None else ())))


def read_blocks(path: Path, plugin: Plugin | None = None, *, format_name: str | None = None) -> Iterator[xr.Dataset]:
    """Blocks of a file, or of a folder of shards.

    Raises
    ------
    FileFormatError
        No such file; foreign or truncated.
    FormatError
        A format that is not known or cannot be read.
    """
    from ..io import read_shards
    from ..io.sample_files import format_of, read_sample_files

    if path.is_dir():
        single = format_of(path)
        return read_shards(path) if single is None else read_sample_files(path, formats_of(plugin).named(single))
    chosen = formats_of(plugin).named(format_name) if format_name else formats_of(plugin).for_path(path)
    if not path.exists():
        raise FileFormatError(f"{path}: no such file; expected samples in {chosen.name}")
    if chosen.read is None:
        raise FormatError(f"{path}: the format {chosen.name} can be written, not read")
    return named_errors(path, chosen.read, f"samples in {chosen.name}")


def read_whole(path: Path, plugin: Plugin | None = None, *, format_name: str | None = None) -> xr.Dataset:
    """All samples of a file or a folder of shards; see `read_blocks`."""
    from ..io import concatenate

    return concatenate(read_blocks(path, plugin, format_name=format_name))


def read_field(path: Path, variable: Variable, plugin: Plugin | None = None) -> xr.DataArray:
    """A field condition from a file of its own.

    Parameters
    ----------
    path : Path
        NetCDF-4, HDF5, NumPy's ``.npy``, a native format of the plugin, a folder of shards or, where a format of the
        plugin takes them, of slices. The array is the one
        called `variable`, or the only one over its dimensions or with as many; one more axis holds one field a sample.
    variable : Variable
        The condition.

    Raises
    ------
    FileFormatError
        No such file; foreign or damaged.
    FormatError
        A format that is not known or cannot be read.
    SchemaError
        Nothing in the file, or several things, could be the field.
    """
    import xarray as xr

    from ..io.fields import read_numpy
    from ..io.sample_files import format_of
    from .request import chosen_field

    if path.is_dir():
        taking = next((entry for entry in formats_of(plugin) if entry.folders and entry.read_field), None)
        if taking is None or (path / MANIFEST).exists() and format_of(path) != taking.name:
            return chosen_field(variable, read_whole(path, plugin))
        assert taking.read_field is not None
        found = taking.read_field(path)
        return found if isinstance(found, xr.DataArray) else chosen_field(variable, found)
    numpy = path.suffix.lower() == ".npy"
    chosen = None if numpy else formats_of(plugin).for_path(path)
    if not path.exists():
        raise FileFormatError(f"{path}: no such file; expected {variable.name} over ({', '.join(variable.dims)})")
    if chosen is None:
        return read_numpy(path)
    found = chosen.read_field(path) if chosen.read_field is not None else read_whole(path, plugin)
    if isinstance(found, xr.DataArray):
        return found
    try:
        return chosen_field(variable, found)
    except SchemaError as error:
        raise SchemaError.about(variable.name, f"{path} has {error.value}", str(error.expected)) from None


def read(path: str | Path, *, plugin: str | None = None, format_name: str | None = None) -> xr.Dataset:
    """Read samples back: any file that `generate`, `reference` or `convert` wrote, and those of other programs.

    Parameters
    ----------
    path : path
        A file of any format that can be read (its suffix says which), or a folder of shards.
    plugin : str, optional
        Whose native formats to use; found from the file where it can be.
    format_name : str, optional
        The format, in place of the suffix's.

    Returns
    -------
    xarray.Dataset
        Along `sample`, ragged variables padded, in the units that each variable states.

    Raises
    ------
    FileFormatError
        No such file; foreign, truncated or altered.
    FormatError, PluginError
        A format that is not known or cannot be read; several plugins that could read the file.
    """
    path = Path(path)
    if not path.exists():
        raise FileFormatError(f"{path}: no such file or folder of samples")
    if plugin is None and format_name is None and not path.is_dir():
        return read_whole(path, plugin_of(path, None))
    return read_whole(path, None if plugin is None else registry.plugin(plugin), format_name=format_name)


def text(samples: xr.Dataset, name: str) -> np.ndarray:
    """A variable of characters as text: the SMILES of molecules, for one, which a Dataset holds as ASCII codes.

    Parameters
    ----------
    samples : xarray.Dataset
    name : str
        A variable over (sample, character), padded with 0 or as long as its count says.

    Returns
    -------
    numpy.ndarray
        (n,) of str.

    Raises
    ------
    SchemaError
        The variable holds something else.
    """
    from ..contract.schema import texts
    from ..io.blocks import count_variables

    variable = samples[name]
    if variable.ndim == 1 and variable.dtype.kind in "UO":
        return variable.values.astype(np.str_)
    if variable.ndim != 2 or variable.dtype.kind not in "iu":
        found = f"{variable.dtype} over ({', '.join(map(str, variable.dims))})"
        raise SchemaError.about(name, found, "codes of characters over (sample, character)")
    codes = variable.values
    counts = count_variables(samples).get(str(variable.dims[1]))
    if counts is not None:
        codes = np.where(np.arange(codes.shape[1]) < samples[counts].values[:, None], codes, 0)
    return texts(codes)


def check_variables(path: Path, plugin: Plugin, dataset: xr.Dataset) -> None:
    """Refuse samples that lack an output of the plugin, or a condition that is always asked."""
    needed = [variable.name for variable in plugin.conditions if not variable.optional]
    for name in (*needed, *plugin.outputs.names):
        if name not in dataset:
            raise FileFormatError(f"{path}: the variable {name} is missing; expected samples of {plugin.name}")


def as_served(plugin: Plugin, facts: Mapping[str, Any]) -> Plugin:
    """The plugin as the weights serve it that made some samples: other variables, laws, formats and figures.

    Parameters
    ----------
    plugin : Plugin
    facts : mapping
        Attributes of the samples, or a manifest's provenance: which recipe and weights made them. Of weights that are
        not the released ones the recipe alone is known, which says enough where it simulates its own data.
    """
    recipe = str(facts.get("recipe"))
    if recipe not in plugin.recipes or facts.get("plugin") != plugin.name:
        return plugin
    with suppress(SurrogatesError):  # a card that does not read is the error of whoever opens its weights
        for card in registry.entry(plugin.name).cards():
            known = card.sha256 == facts.get("weights_sha256") or plugin.recipes[recipe].learns is None
            if card.recipe == recipe and known:
                return card.described(plugin)
    return plugin


def plugin_of(path: Path, named: str | None) -> Plugin | None:
    """The plugin that made a file: the one named, the one that the file names, or the only one that knows its suffix.

    Of files that say which weights made them it comes as these serve it, see `as_served`.

    Raises
    ------
    PluginError
        Several plugins know the suffix and the file names none of them, or the name is unknown.
    FormatError
        Plugins write files with that suffix and none reads them.
    """
    if path.is_dir():
        if named is not None and not (path / MANIFEST).exists():
            return registry.plugin(named)
        facts = read_manifest(path)["provenance"]
    else:
        known = registry.plugin(named) if named is not None else _by_suffix(path)
        if known is not None and any(path.name.lower().endswith(s) for entry in known.formats for s in entry.suffixes):
            return known
        facts = next(iter(read_blocks(path))).attrs
    name = named if named is not None else facts.get("plugin")
    return None if name is None else as_served(registry.plugin(str(name)), facts)


def _by_suffix(path: Path) -> Plugin | None:
    known = [
        (plugin, entry)
        for plugin in registry.every_plugin()
        for entry in plugin.formats
        if any(path.name.lower().endswith(suffix) for suffix in entry.suffixes)
    ]
    names = {plugin.name for plugin, entry in known if entry.read}
    knowing = [plugin for plugin in registry.every_plugin() if plugin.name in names]
    if known and not knowing:
        raise FormatError(f"{path}: the format {known[0][1].name} can be written, not read")
    if len(knowing) < 2:
        return knowing[0] if knowing else None
    whole: dict[str, int] = {}
    for reader in knowing:
        try:
            with warnings.catch_warnings(action="ignore"):
                first = next(iter(read_blocks(path, reader)))
        except FormatError:
            continue
        made_by = first.attrs.get("plugin")
        if made_by in names:
            return registry.plugin(str(made_by))
        if all(name in first for name in reader.outputs.names):
            whole[reader.name] = sum(name in first for name in (*reader.conditions.names, *reader.outputs.names))
    fitting = [name for name, held in whole.items() if held == max(whole.values())]
    if len(fitting) == 1:
        return registry.plugin(fitting[0])
    raise PluginError(f"{path}: {', '.join(sorted(names))} all read this format; say which with --plugin")
