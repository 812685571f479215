"""What the command line uses: options, tables, progress."""
