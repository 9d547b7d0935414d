"""Crystals: space groups and Wyckoff positions, cells, minimum-image distances, overlap descent and laws."""
