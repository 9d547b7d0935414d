"""lung-ct: a lesion mask and a body mask to a CT slice of the chest."""
