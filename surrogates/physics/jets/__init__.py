"""Physics of jets: observables, energy flow polynomials, constraints and measures.

Constituents are arrays (n, 30, 3) of eta_rel, phi_rel, pt_rel as in JetNet (Kansal et al. 2021, arXiv:2106.11535):
positions relative to the jet axis, transverse momentum divided by the jet's; rows of zeros are padding.
"""
