"""The command line `surrogates`; each command imports what it needs when it runs."""

from .entry import main

__all__ = ["main"]
