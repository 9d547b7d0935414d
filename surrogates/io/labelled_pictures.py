"""Pictures with labels that are on or off, in the layout of CelebA (Liu et al. 2015): one text file and the pictures.

The first line of ``list_attr_celeba.txt`` is the number of pictures, the second the names of the labels, and each of
the others a file's name and 1 or -1 for every label.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .formats import FileFormatError
from .pictures import pictures_in, read_picture

LABELS = "list_attr_celeba.txt"


def read_list(path: Path) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Names of the labels, and file name -> (labels,) bool.

    Raises
    ------
    FileFormatError
        What is not of that layout; it names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: does not read as text ({type(error).__name__})") from None
    if len(lines) < 3 or not lines[0].strip().isdecimal():
        raise FileFormatError(
            f"{path}: line 1 is {lines[0].strip()[:40] if lines else ''!r}; expected how many pictures"
        )
    names = tuple(lines[1].split())
    wrong = [name for name in names if not f"_{name}".isidentifier()]  # CelebA's first is 5_o_Clock_Shadow
    if not names or wrong or len(set(names)) < len(names):
        raise FileFormatError(f"{path}: line 2 names {wrong or list(names)}; expected distinct names of labels")
    rows: dict[str, np.ndarray] = {}
    for number, line in enumerate(lines[2:], start=3):
        file, *values = line.split() or [""]
        if not file:
            continue
        if len(values) != len(names) or not set(values) <= {"1", "-1"}:
            raise FileFormatError(
                f"{path}: line {number}: {' '.join(values)[:40]!r}; expected {len(names)} of 1 and -1"
            )
        rows[file] = np.array(values) == "1"
    if len(rows) != int(lines[0]):
        raise FileFormatError(f"{path}: line 1 says {lines[0].strip()} pictures; {len(rows)} follow")
    return names, rows


def read_labelled(folder: Path, size: int) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """Pictures (n, size, size, 3) uint8 of the middle square, names of the labels, and labels (n, k) bool.

    Parameters
    ----------
    folder : Path
        Holds `LABELS` somewhere, and the pictures in it or in folders below.
    size : int

    Raises
    ------
    FileFormatError
        No such file, a picture that does not read, or none that it names.
    """
    import torch

    lists = sorted(folder.rglob(LABELS)) if folder.is_dir() else []
    if len(lists) != 1:
        raise FileFormatError(f"{folder}: {len(lists)} files {LABELS}; expected one, beside the pictures or above them")
    names, rows = read_list(lists[0])
    there = {path.name: path for path in pictures_in(folder)}
    chosen = [name for name in rows if name in there]
    if not chosen:
        raise FileFormatError(f"{folder}: none of the {len(rows)} pictures that {LABELS} names is there")
    found = np.empty((len(chosen), size, size, 3), dtype=np.uint8)
    for place, name in enumerate(chosen):
        whole = torch.from_numpy(read_picture(there[name]))
        whole = whole[..., :3] if whole.shape[-1] > 2 else whole[..., :1].expand(-1, -1, 3)
        side = min(whole.shape[:2])
        top, left = ((length - side) // 2 for length in whole.shape[:2])
        square = whole[top : top + side, left : left + side].permute(2, 0, 1)[None]
        small = torch.nn.functional.interpolate(square, size=(size, size), mode="bilinear", antialias=True)
        found[place] = torch.round(255 * small[0].permute(1, 2, 0)).to(torch.uint8).numpy()
    return found, names, np.stack([rows[name] for name in chosen])
