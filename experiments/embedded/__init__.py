"""The embedded pair against its controls: docs/embedded.md."""
