"""Physics of medical images: attenuation, tomography, spin-echo and gradient-echo signals; arrays alone."""
