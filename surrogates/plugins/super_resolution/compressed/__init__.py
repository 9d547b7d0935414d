"""Enlarging what was reduced and then compressed as JPEG: artefacts are removed, so the input is not kept."""
