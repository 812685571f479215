"""Side-by-side measurements: run one with `python -m benchmarks.generators`. They are never tests."""
