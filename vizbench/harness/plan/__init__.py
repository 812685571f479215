"""Describe what to measure: options, plans, trials, suites, augmentation and the models by name."""
