"""Share code between language and video models. `config`, `hub`, `checkpoint` and `memory` load no torch."""
