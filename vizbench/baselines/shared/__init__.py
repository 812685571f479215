"""Code that language and video models share. `hub`, `checkpoint` and `memory` load no torch."""
