"""Hold compiled kernels that several modules use: random numbers, searches, processes and measures."""
