"""Generators of documentation. A package, so that `experiments` can use them too."""
