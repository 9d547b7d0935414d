"""Weights and their cards: written, read and checked."""
