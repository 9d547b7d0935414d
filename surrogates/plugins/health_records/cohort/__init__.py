"""Any cohort as a pair of tables: what its columns are, reading, learning and writing it."""
