"""What a plugin declares and what everything else may rely on: schemas, recipes, laws, findings, errors."""
