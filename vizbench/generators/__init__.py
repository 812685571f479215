"""Hold one task family per file. A family is found because its file is here: no list names it."""
