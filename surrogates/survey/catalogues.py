"""The catalogue of a mock survey, in memory or as a folder of parts that any number of processes fill alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..counting import Counter
from ..io.manifest import MANIFEST, as_json, finished
from ..io.shards import Shards
from ..provenance import CONVENTIONS, machine, package_version
from ..sampling.engines import done_by
from . import lightcone
from .galaxies import make
from .request import Survey, SurveyError
from .simulators import made_by, matter_surrogate

if TYPE_CHECKING:
    import xarray as xr

    from ..io.locks import Lock

FOLDER = "catalogue"
"""Of the parts, within a survey's folder."""


def catalogue(**asked: Any) -> xr.Dataset:
    """The galaxies of a mock survey, in memory.

    Parameters
    ----------
    **asked
        As for `Survey`: `area`, `depth`, `bands`, `seed`, `centre`, `depths`, `omega_m`, `sigma_8`, `max_redshift`.

    Returns
    -------
    Dataset
        Columns of :func:`surrogates.survey.galaxies.columns` along `sample`, whose coordinate is the galaxy's identity.

    Raises
    ------
    SurveyError
        A value that cannot be.
    """
    from ..io import concatenate

    survey = Survey(**asked)
    parts = lightcone.cells(survey)
    return concatenate(part(survey, number) for number in range(len(parts)))


def part(survey: Survey, number: int) -> xr.Dataset:
    """The galaxies of one cell of the lightcone, with what made them."""
    made = make(survey, lightcone.cells(survey)[number], number)
    return made.assign_attrs(Conventions=CONVENTIONS, title="mock survey", **_about(survey))


def _about(survey: Survey) -> dict[str, Any]:
    card = matter_surrogate().card
    assert card is not None
    facts = {
        f"survey_{name}": value for name, value in survey.settings().items() if not isinstance(value, (dict, list))
    }
    for band in survey.bands:
        facts[f"survey_depth_{band}"] = survey.depth_of(band)
    facts |= dict(zip(("survey_ra", "survey_dec"), survey.centre, strict=True))
    return {
        **facts,
        "survey_boxes": len(lightcone.cells(survey)),
        "matter": f"{card.recipe} {card.sha256}",
        "surrogates_version": package_version("surrogates"),
    }


def shards(survey: Survey, folder: Path) -> Shards:
    """The run that a survey's catalogue is."""
    made = {"survey": survey.settings(), **_about(survey), "threads": matter_surrogate().threads}
    return Shards(folder / FOLDER, len(lightcone.cells(survey)), as_json(made), {"compression": "none"})


def write(
    survey: Survey,
    folder: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> int:
    """Write the catalogue's parts into a folder; killed at any moment, it resumes byte for byte.

    Parameters
    ----------
    survey : Survey
    folder : Path
        Parts go into `catalogue` within.
    workers : int
        Processes; the files do not depend on their number.
    scheduler : str, optional
        Of a Dask cluster, whose workers write the parts in place of processes of this machine.
    resume, overwrite : bool

    Returns
    -------
    int
        Galaxies.

    Raises
    ------
    OutputError, FormatError
        As for :func:`surrogates.io.shards.write_shards`.
    """
    if workers < 1:
        raise SurveyError.about("workers", repr(workers), "1 or more", value=workers)
    run = shards(survey, folder)
    if run.folder.is_dir() and any(run.folder.iterdir()) and not (run.folder / MANIFEST).exists():
        raise SurveyError(f"{run.folder} is not empty and holds no survey; choose another folder")
    run.folder.mkdir(parents=True, exist_ok=True)
    with run.begun(resume=resume, overwrite=overwrite) as lock, Counter("boxes of the lightcone", run.n_shards) as bar:
        if workers == 1 and scheduler is None:
            _write_parts(survey, run, lock, run.mine, bar)
        else:
            sent = replace(run, folder=run.folder.absolute()), replace(lock, path=lock.path.absolute())
            done_by(_Parts(survey, *sent), run.mine, workers=workers, scheduler=scheduler, on_count=bar.update)
    records = [finished(run.folder, number) for number in run.mine]
    return sum(record["rows"] for record in records if record is not None)


def _write_parts(survey: Survey, run: Shards, lock: Lock, parts: Sequence[int], bar: Counter | None = None) -> None:
    def blocks(number: int) -> Iterator[xr.Dataset]:
        yield part(survey, number)

    done = 0

    def count(*_: int) -> None:
        nonlocal done
        done += 1
        if bar is not None:
            bar.update(done)

    run.write(blocks, lock, parts, machine=machine(matter_surrogate()), on_part=count)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Parts:
    """Parts of a catalogue, as other processes write them; see `surrogates.sampling.work.Work`."""

    survey: Survey
    run: Shards
    lock: Lock
    name: str = "making a survey"

    def do(self, items: Sequence[int]) -> None:
        _write_parts(self.survey, self.run, self.lock, items)

    def missing(self, items: Sequence[int]) -> list[int]:
        return [number for number in items if finished(self.run.folder, number) is None]

    def tidy(self) -> None:
        self.run.remove_leftovers()

    def facts(self) -> dict[str, Any]:
        return made_by(matter_surrogate())
