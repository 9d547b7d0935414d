"""From a request to samples in memory or on disk, by a surrogate or by the reference it learned from."""
