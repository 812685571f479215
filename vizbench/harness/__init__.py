"""Running models on tasks: the protocol, plans, runs that resume, records, metrics, reports."""
