"""Commands on files: convert, merge, plot, verify; and how the command line reads what it is given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import registry
from ..counting import Counter
from ..io import FileFormatError, FormatError, OutputError, carries_digest
from ..io.sample_files import format_of
from ..sampling.files import as_served, check_variables, formats_of, plugin_of, read_blocks, read_whole
from ..sampling.workers import ProcessEnded, apart
from .entry import CheckFailed
from .output import announce

if TYPE_CHECKING:
    import xarray as xr

    from ..contract.plugin import Plugin

FILE = click.Path(path_type=Path)


@click.command("convert")
@click.argument("source", type=FILE)
@click.argument("target")
@click.option(
    "--plugin", "named", metavar="NAME", help="Whose native formats to use; found from the file where it can be."
)
@click.option("--from", "from_format", metavar="FORMAT", help="Format of SOURCE, in place of its suffix's.")
@click.option("--to", "to_format", metavar="FORMAT", help="Format of TARGET, in place of its suffix's.")
@click.option("--compression", type=click.Choice(["none", "zstd", "gzip"]), help="Of NetCDF and HDF5 files.")
@click.option("--overwrite", is_flag=True, help="Replace TARGET.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON summary.")
def convert_command(
    source: Path,
    target: str,
    named: str | None,
    from_format: str | None,
    to_format: str | None,
    compression: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Read SOURCE (a file or a folder of shards), write TARGET (a file, or - for a pipe).

    surrogates convert events.nc events.hepmc3
    """
    from ..sampling.outputs import STDOUT, check_target, chosen_format, write_options

    plugin = plugin_of(source, named)
    chosen = chosen_format(formats_of(plugin), target, to_format)
    check_target(target, chosen, overwrite=overwrite)
    if target != STDOUT and Path(target).resolve() == source.resolve():
        raise OutputError(f"{target}: source and target are one file; choose another name")
    with Counter("samples", None) as progress:
        blocks = _counted(read_blocks(source, plugin, format_name=from_format), progress)
        destination = STDOUT if target == STDOUT else Path(target)
        chosen.write(blocks, destination, overwrite=overwrite, **write_options(chosen, compression=compression))
    samples = progress.done
    facts = {"source": str(source), "output": target, "samples": samples, "format": chosen.name}
    announce(f"{target}: {samples:,} samples in {chosen.name}", facts, as_json=as_json, stream=_results(target))


@click.command("merge")
@click.argument("folders", metavar="FOLDER…", nargs=-1, required=True, type=FILE)
@click.argument("target", type=str)
@click.option("--overwrite", is_flag=True, help="Replace TARGET, a file.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON summary.")
def merge_command(folders: tuple[Path, ...], target: str, overwrite: bool, as_json: bool) -> None:
    """Join the parts of FOLDER into TARGET: NetCDF and HDF5 by copying chunks, other formats by writing the samples.

    surrogates merge jets/ jets.nc

    A TARGET that ends in a slash takes the parts themselves, of one FOLDER or of several that the shares of one run
    were written into, under one manifest.
    """
    if target.endswith(("/", "\\")) or Path(target).is_dir():
        return _gather(folders, Path(target), as_json=as_json)
    folder, *others = folders
    if others:
        raise click.UsageError(f"several folders are joined into a folder; give {Path(target).stem}/, then merge that")
    _merge(folder, Path(target), overwrite=overwrite, as_json=as_json)


def _gather(folders: tuple[Path, ...], target: Path, *, as_json: bool) -> None:
    from ..io.gathering import gather

    manifest = gather(folders, target)
    parts, of = len(manifest["parts"]), manifest["n_shards"]
    facts = {"output": str(target), "samples": manifest["rows"], "parts": parts, "of": of}
    announce(f"{target}: {parts} of {of} parts, {manifest['rows']:,} samples", facts, as_json=as_json)


def _merge(folder: Path, target: Path, *, overwrite: bool, as_json: bool) -> None:
    from ..io import HDF5, NETCDF, merge, read_manifest
    from ..sampling.outputs import check_target

    manifest = read_manifest(folder)
    plugin = plugin_of(folder, None)
    chosen = formats_of(plugin).for_path(target)
    check_target(str(target), chosen, overwrite=overwrite)
    with Counter(f"merging {folder}", manifest.get("rows")) as progress:
        if chosen in (NETCDF, HDF5):
            merge(folder, target, overwrite=overwrite)
        else:
            chosen.write(_counted(read_blocks(folder, plugin), progress), target, overwrite=overwrite)
    facts = {
        "source": str(folder),
        "output": str(target),
        "samples": manifest.get("rows"),
        "parts": manifest["n_shards"],
    }
    announce(f"{target}: {facts['samples']:,} samples from {facts['parts']} parts", facts, as_json=as_json)


@click.command("plot")
@click.argument("name")
@click.argument("samples", type=FILE, required=False)
@click.option("--reference", type=FILE, metavar="FILE", help="Truth to draw beside the samples.")
@click.option("--walk", is_flag=True, help="In place of SAMPLES: pictures on the way from one sample to another.")
@click.option("--ablation", is_flag=True, help="In place of SAMPLES: what pictures lose by single hidden units.")
@click.option("--layer", "layers", multiple=True, metavar="LAYER", help="With --ablation: all units of this layer.")
@click.option("--model", metavar="RECIPE", help="With --walk, --ablation: the recipe; the plugin's first by default.")
@click.option("--weights", type=FILE, metavar="PATH", help="With --walk, --ablation: a weights file or a run's folder.")
@click.option("--seed", type=int, help="With --walk, --ablation: of the samples.  [default: 0]")
@click.option("-o", "--output", type=FILE, required=True, metavar="PATH", help="The picture; .png, .pdf or .svg.")
@click.option("--overwrite", is_flag=True, help="Replace the picture.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON summary.")
def plot_command(
    name: str,
    samples: Path | None,
    reference: Path | None,
    walk: bool,
    ablation: bool,
    layers: tuple[str, ...],
    model: str | None,
    weights: Path | None,
    seed: int | None,
    output: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw the figure of plugin NAME from the file SAMPLES, or a walk between samples of its model, or its units.

    surrogates plot jets jets.h5 --reference reference.nc -o jets.png

    surrogates plot medical-images --walk -o walk.png

    surrogates plot galaxy-images --ablation --model gan -o units.png
    """
    from ..reporting.page import PICTURES, write_figure

    plugin = registry.plugin(name)
    if (samples is not None) + walk + ablation != 1:
        raise click.UsageError("SAMPLES, --walk or --ablation, one of them: a file of samples, or what a model draws")
    of_models = (model, weights, seed) != (None, None, None)
    if samples is None and reference is not None or samples is not None and of_models:
        raise click.UsageError("--reference goes with SAMPLES; --model, --weights, --seed with --walk and --ablation")
    if layers and not ablation:
        raise click.UsageError("--layer goes with --ablation")
    if output.suffix.lower() not in PICTURES:
        raise FormatError(f"{output}: unknown suffix ({output.suffix or 'none'}); expected .png, .pdf or .svg")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists already; choose another name or give --overwrite")
    doing = "looking into" if ablation else "walking through"
    with Counter(f"{doing} {name}" if samples is None else f"reading {samples}", None) as progress:
        if ablation:
            from ..reporting.ablation import ablation_figure
            from ..sampling import opening

            figure = ablation_figure(opening.load(name, model=model, weights=weights), seed=seed or 0, chosen=layers)
        elif samples is None:
            from ..reporting.walks import walk_figure
            from ..sampling import opening

            figure = walk_figure(opening.load(name, model=model, weights=weights), seed=seed or 0)
        else:
            first = read_whole(samples, plugin)
            plugin = as_served(plugin, first.attrs)
            check_variables(samples, plugin, first)
            if not first.sizes["sample"]:
                raise OutputError(f"{samples}: no samples to draw")
            truth = None if reference is None else read_whole(reference, plugin)
            if truth is not None:
                check_variables(reference, plugin, truth)  # type: ignore[arg-type]
            progress.stage("drawing")
            figure = plugin.figure(first, truth)
        write_figure(figure, output)
    announce(f"{output}: figure of {name}", {"output": str(output), "plugin": name}, as_json=as_json)


@click.command("verify")
@click.argument("targets", nargs=-1, required=True, metavar="PATH|NAME…")
@click.option("--plugin", "named", metavar="NAME", help="Plugin of the files; found from the file where it can be.")
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
def verify_command(targets: tuple[str, ...], named: str | None, as_json: bool) -> None:
    """Check files, folders of shards, or the released weights of a plugin; exit 1 where there is a problem.

    A file is whole, unaltered as far as it carries a digest, holds finite numbers, the plugin's variables, and keeps
    the plugin's laws. It is read in a process of its own, which a damaged file may end.
    """
    problems: dict[str, list[str]] = {}
    notes: dict[str, str] = {}
    for target in targets:
        path = Path(target)
        if not path.exists() and _is_plugin(target):
            problems[target] = _weights_problems(target)
            continue
        if not path.exists():
            raise FileFormatError(f"{path}: no such file or folder, and no plugin of that name")
        try:
            with Counter(f"reading {path}", None):
                sealed = carries_digest(path)
                checked = _file_problems(path, named) if sealed else apart(_file_problems, path, named)
        except FileFormatError as error:
            problems[target] = [str(error)]
            continue
        except ProcessEnded:
            problems[target] = [f"{path}: damaged: a library that reads it ended the process"]
            continue
        problems[target], not_checked = checked
        told = [not_checked] if not_checked else []
        told += [] if sealed else ["it carries no digest, by which alterations would be found"]
        if told:
            notes[target] = "; ".join(told)
    bad = [line for lines in problems.values() for line in lines]
    text = (
        "\n".join(bad)
        if bad
        else "\n".join(
            f"{target}: no problem found" + (f"; {notes[target]}" if target in notes else "") for target in targets
        )
    )
    announce(text, {"problems": problems, "notes": notes, "ok": not bad}, as_json=as_json)
    if bad:
        raise CheckFailed


def _counted(blocks: Iterator[xr.Dataset], progress: Counter) -> Iterator[xr.Dataset]:
    for block in blocks:
        yield block
        progress.advance(int(block.sizes["sample"]))


def _is_plugin(name: str) -> bool:
    return any(entry.name == name for entry in registry.plugins())


def _weights_problems(name: str) -> list[str]:
    from ..contract.errors import WeightsError
    from ..release.cards import verify

    cards = sorted(registry.entry(name).weights.glob("*.json"))
    if not cards:
        return [f"{name}: no released weights"]
    problems = []
    for card in cards:
        try:
            verify(card)
        except WeightsError as error:
            problems.append(str(error))
    return problems


def _file_problems(path: Path, named: str | None) -> tuple[list[str], str]:
    """What is wrong with a file, and what was not checked because its format does not hold it."""
    from ..io import verify

    try:
        plugin = plugin_of(path, named)
        chosen = None if path.is_dir() else formats_of(plugin).for_path(path)
    except (FileFormatError, StopIteration) as error:
        return [str(error)], ""
    if chosen is not None and chosen.read is None:
        raise FormatError(
            f"{path}: the format {chosen.name} can be written, not read; verify the samples it was made of"
        )
    problems = verify(path, file_format=chosen)
    if problems or plugin is None:
        return problems, ""
    if path.is_dir() and format_of(path) is not None:
        return [], f"laws not checked: one {format_of(path)} file a sample, which need not hold every variable"
    if chosen is not None and chosen.leaves_out:
        return [], f"laws not checked: the format {chosen.name} leaves out {chosen.leaves_out}"
    return _law_problems(path, plugin), ""


def _law_problems(path: Path, plugin: Plugin) -> list[str]:
    """Variables of the schema that are missing, and laws that the samples break."""
    worst: dict[str, float] = {}
    for block in read_blocks(path, plugin):
        try:
            check_variables(path, plugin, block)
        except FileFormatError as error:
            return [str(error)]
        for law, value in residuals(plugin, block).items():
            worst[law] = max(worst.get(law, 0.0), value)
    tolerances = {constraint.name: constraint.tolerance for constraint in plugin.constraints}
    return [
        f"{path}: the law {law} is broken, residual {value:.2g} above {tolerances[law]:.2g}"
        for law, value in worst.items()
        if not value <= tolerances[law]
    ]


def residuals(plugin: Plugin, samples: xr.Dataset) -> dict[str, float]:
    """The largest residual of each law of the plugin over the samples."""
    from ..measuring import residuals as measured

    return measured(plugin, samples)


def _results(target: str) -> Any:
    return sys.stderr if target == "-" else sys.stdout
