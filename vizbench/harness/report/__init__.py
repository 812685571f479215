"""The report: tables, curves and a viewer of answers as HTML, and the same figures as CSV, Markdown and
images."""
