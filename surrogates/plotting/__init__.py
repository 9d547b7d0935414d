"""Panels that every figure is made of, and one palette; matplotlib is imported when one is drawn."""
