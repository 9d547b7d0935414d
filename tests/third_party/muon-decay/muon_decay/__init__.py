"""The decay of a polarised antimuon in flight, as a plugin of `surrogates`."""
