"""Particles 1 Mpc/h apart from a run of an eighth of them and the initial field's small scales."""
