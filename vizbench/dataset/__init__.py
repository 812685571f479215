"""Make data sets: train and test splits, the leakage filter, mixtures."""
