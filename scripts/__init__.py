"""What fills the generated pages: a package, so that `benchmarks` may use it too."""
