"""Keep runs on disk, and label their tasks and models."""
