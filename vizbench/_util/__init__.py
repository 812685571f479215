"""Help all other packages with files, locks, processes, text, parameters and compiled code."""
