#!/usr/bin/env bash
# rt-utils 1.2.7: the mask of a structure on images that are no squares comes back with rows and columns exchanged in shape,
# and what lies right of column number Rows is cut off: half a tumour, or all of it. Expected: the mask that was put in,
# (Rows, Columns, slices), as the file written between the two holds it (its contour's corners below are right, and of the
# whole structure), and as a square image gives it back. Seen: an array of (Columns, Rows, slices) in which the pixels
# keep their row and column, as far as they fit; the rest is gone without a word, and volumes are too small.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check rt-utils==1.2.7 pydicom==3.0.2 numpy==2.4.6 \
    opencv-python-headless
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder

print("rt-utils", version("rt-utils"), "pydicom", version("pydicom"))


def write_slice(folder, rows, columns):
    folder.mkdir()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "Phantom", "1", "", "O"
    data.StudyDate, data.StudyTime, data.StudyID, data.Modality = "20260101", "120000", "1", "CT"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = (generate_uid() for _ in range(3))
    data.SeriesNumber, data.InstanceNumber = 1, 1
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
    data.PixelSpacing, data.SliceThickness = [1, 1], 1
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = rows, columns, 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.PixelData = np.zeros((rows, columns), np.int16).tobytes()
    data.save_as(folder / "0.dcm", enforce_file_format=True)


found = {}
for rows, columns in ((20, 20), (20, 32), (12, 32), (32, 20)):
    folder = Path(f"{rows}x{columns}")
    write_slice(folder, rows, columns)
    mask = np.zeros((rows, columns, 1), dtype=bool)
    mask[3:9, 14:19] = True  # six rows, five columns
    structure = RTStructBuilder.create_new(dicom_series_path=str(folder))
    structure.add_roi(mask=mask, name="tumour")
    corners = np.reshape(structure.ds.ROIContourSequence[0].ContourSequence[0].ContourData, (-1, 3))
    back = structure.get_roi_mask_by_name("tumour")
    found[rows, columns] = int(back.sum())
    print(f"Rows {rows}, Columns {columns}: {mask.sum()} pixels of {mask.shape} put in, {back.sum()} of {back.shape} back; "
          f"x from {corners[:, 0].min():.0f} to {corners[:, 0].max():.0f} in the file")
print("expected: 30 pixels and the same shape in every line")
sys.exit(0 if found == {(20, 20): 30, (20, 32): 30, (12, 32): 0, (32, 20): 30} else 1)
PYTHON
