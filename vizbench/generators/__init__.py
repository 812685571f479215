"""Hold one task family per file. Families are found by their files, so there is no list of them."""
