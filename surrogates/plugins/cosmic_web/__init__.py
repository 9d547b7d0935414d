"""Plugin cosmic-web: the evolved matter distribution of a box from its initial field and a cosmology."""
