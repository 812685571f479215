"""Run models on tasks: plans, runs that resume, records, metrics and reports."""
