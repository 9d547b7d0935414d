"""A signal that comes while HDF5 writes waits, and ends the run with its file closed."""

from __future__ import annotations

import subprocess
import sys

SIGNALLED = """
import os, signal, sys, types
import h5py, numpy as np
from surrogates.cli import entry
from surrogates.io import hdf5_disk

signal.signal(signal.SIGINT, entry._end)  # sent again where a finaliser drops it
plain, sent = hdf5_disk._Disk.seek, []

def seek(self, offset, whence=0):
    if not sent and self.position:
        sent.append(True)
        signal.raise_signal(signal.SIGINT)
    return plain(self, offset, whence)

here = vars(hdf5_disk)  # a function of that module, as far as a handler sees
hdf5_disk._Disk.seek = types.FunctionType(seek.__code__, here, "seek", (0,), seek.__closure__)
here.update(plain=plain, sent=sent)
try:
    with hdf5_disk.writable_hdf5(sys.argv[1]) as opened:
        for k in range(10_000):
            opened.file.create_dataset(str(k), data=np.arange(100.0))
except KeyboardInterrupt:
    print("interrupted", bool(sent), signal.getsignal(signal.SIGINT) is entry._end)
with h5py.File(sys.argv[1]) as file:
    print(0 < len(file) < 10_000, float(file["0"][:].sum()))
"""


def test_ctrl_c_waits_while_hdf5_writes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(tmp_path / "a.h5")], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split("\n")[:2] == ["interrupted True True", "True 4950.0"], done.stderr
