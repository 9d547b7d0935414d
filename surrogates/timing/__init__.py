"""The race of reference and surrogate in one run, and what it measured."""
