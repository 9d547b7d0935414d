"""Photographs as arrays: colour, resampling, how like two pictures are, and a few pictures that may be shared."""
