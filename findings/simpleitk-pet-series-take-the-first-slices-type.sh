#!/usr/bin/env bash
# SimpleITK 2.5.7: a PET series whose first slice has a whole-numbered rescale slope is read in whole numbers of 16 bits: the
# values of the other slices, of slopes of their own, are cut off after the point or come back as other numbers altogether.
# Expected: stored value times the slice's RescaleSlope (DICOM PS3.3, C.11.1.1.2; PET states one a slice), as pydicom 3.0.2
# with the formula gives, and SimpleITK itself where the first slice's slope is no whole number (64-bit float), or where
# SetOutputPixelType asks for it. Seen: one slice's slope sets the type of all: 0.5 Bq/ml becomes 0, 98301 becomes 32765.
set -eu
FOLDER=$(mktemp -d); trap 'rm -rf "$FOLDER"' EXIT; cd "$FOLDER"
python3 -m venv venv && venv/bin/pip install -q --disable-pip-version-check SimpleITK==2.5.7 pydicom==3.0.2 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

print("SimpleITK", version("SimpleITK"), "pydicom", version("pydicom"))
STORED = np.array([[0, 1], [3, 32767]], dtype=np.int16)


def write_series(folder, slopes):
    folder.mkdir()
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for number, slope in enumerate(slopes):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = PositronEmissionTomographyImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data: Dataset = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
        data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        data.PatientName, data.PatientID, data.Modality, data.Units = "Phantom", "1", "PT", "BQML"
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
        data.SeriesNumber, data.InstanceNumber = 1, number + 1
        data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 3 * number]
        data.PixelSpacing, data.SliceThickness, data.RescaleSlope, data.RescaleIntercept = [2, 2], 3, slope, 0
        data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = 2, 2, 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.PixelData = STORED.tobytes()
        data.save_as(folder / f"{number}.dcm", enforce_file_format=True)


def read(folder, output=None):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    if output is not None:
        reader.SetOutputPixelType(output)
    image = reader.Execute()
    return sitk.GetArrayFromImage(image), image.GetPixelIDTypeAsString()


good = True
for name, slopes in (("fractions first", (0.5, 1, 3)), ("a whole number first", (1, 0.5, 3))):
    folder = Path(name.replace(" ", "-"))
    write_series(folder, slopes)
    files = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    expected = np.stack([file.pixel_array * float(file.RescaleSlope) for file in files])
    found, kind = read(folder)
    asked, _ = read(folder, sitk.sitkFloat64)
    print(f"{name}: slopes {slopes}, {kind}; float on demand right: {np.array_equal(asked, expected)}")
    for slope, want, have in zip(slopes, expected, found):
        print(f"  slope {slope}: expected {want.ravel().tolist()}, read {have.ravel().tolist()}")
    good &= np.array_equal(found, expected) == (slopes[0] == 0.5)
sys.exit(0 if good else 1)
PYTHON
