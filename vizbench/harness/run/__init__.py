"""Run a plan, one trial after the other or in several processes."""
