"""tissue-segmentation: grey matter, white matter, cerebrospinal fluid and lesions of MR slices, with volumes."""
