"""One loop for every recipe: data pools, optimisers, checkpoints, and what a run tells its user."""
