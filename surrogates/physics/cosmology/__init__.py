"""Physics of structure formation: growth, linear power, initial fields, a particle-mesh code, measures of the field.

Lengths are comoving Mpc/h and wavenumbers h/Mpc; velocities are peculiar, in km/s; the growth factor D is 1 today.
A field lies on a periodic cubic mesh (..., x, y, z); particle i of a lattice starts at mesh point i.
"""
