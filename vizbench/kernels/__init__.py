"""Compiled kernels that two or more modules use: random numbers, bit boards, mazes, digits, distances."""
