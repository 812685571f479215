"""Hold compiled kernels for random numbers, paths, Sudoku, distances, and rows that were not seen before."""
