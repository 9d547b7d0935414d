"""Weights of the molecule generators, a safetensors file a recipe; cards are in `surrogates.plugins.molecules`."""
