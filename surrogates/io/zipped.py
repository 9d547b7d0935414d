"""Several CSV tables in one zip archive that appears whole or not at all, equal bytes for equal rows."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .atomic import replacing

_IN_MEMORY = 1 << 24
_DAY = (1980, 1, 1, 0, 0, 0)


@contextmanager
def zipped_tables(
    target: str | Path, headers: Mapping[str, Sequence[str]], *, overwrite: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield a CSV writer for each table, whose header is written; rows may come in any order of tables.

    Parameters
    ----------
    target : path
        The archive.
    headers : mapping
        File name in the archive -> its columns.
    overwrite : bool

    Raises
    ------
    OutputError
        The archive exists or cannot be written.
    """
    with ExitStack() as stack, replacing(Path(target), overwrite=overwrite) as partial:
        parts = {name: stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY)) for name in headers}
        texts = {name: io.TextIOWrapper(part, "utf-8", newline="") for name, part in parts.items()}  # type: ignore[type-var]
        writers = {name: csv.writer(text, lineterminator="\n") for name, text in texts.items()}
        for name, header in headers.items():
            writers[name].writerow(header)
        yield writers
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name, text in texts.items():
                text.flush()
                part = text.detach()
                part.seek(0)
                about = zipfile.ZipInfo(name, _DAY)
                about.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(about, "w", force_zip64=True) as member:
                    shutil.copyfileobj(part, member)
