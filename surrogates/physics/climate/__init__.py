"""Climate: the Gaussian grid and its spectra, laws of global fields, regridding, rain areas, El Nino's index."""
