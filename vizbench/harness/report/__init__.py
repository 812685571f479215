"""Report runs: tables, curves and a viewer of answers as HTML, and the same figures in other formats."""
