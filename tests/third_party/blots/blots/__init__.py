"""Small plugins whose schemas, formats and weights exercise what a plugin may leave open."""
