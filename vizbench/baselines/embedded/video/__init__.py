"""The embedded video model."""
