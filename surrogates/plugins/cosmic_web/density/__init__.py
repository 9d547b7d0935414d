"""Densities of small boxes drawn from a cosmology alone, with no initial field to start from."""
