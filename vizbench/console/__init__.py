"""Define options, print tables and show progress for the command line."""
