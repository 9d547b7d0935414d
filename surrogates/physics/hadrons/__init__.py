"""Physics of hadron-nucleus interactions: beams and targets, species, conserved numbers, longitudinal phase space."""
