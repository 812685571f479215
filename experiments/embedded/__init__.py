"""Compare the embedded models with their controls, for docs/embedded.md."""
