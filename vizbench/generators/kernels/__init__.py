"""Kernels that two rooms or more share."""
