"""Studies that the project reports: how each was measured, and its results."""
