"""Side-by-side measurements, such as `python -m benchmarks.generators`. They are never tests."""
