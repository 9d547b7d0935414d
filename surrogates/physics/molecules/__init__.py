"""Molecules as RDKit sees them: parsing with the reason for a failure, properties, and distances between sets."""
