"""Physics of galaxy images: observables, laws, mixtures of Gaussians, and the optics between sky and pixel.

Images are tensors (..., y, x), row 0 at the bottom, centred at pixel (size - 1) / 2; lengths are arcsec, angles radians
counter-clockwise from +x unless said.
"""
