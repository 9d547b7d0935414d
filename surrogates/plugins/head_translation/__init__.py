"""ct-to-mri and mri-to-ct: axial slices of heads from one modality into the other, two directions of one training."""
