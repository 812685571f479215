"""Adapt video models by LoRA. Imports torch and diffusers. `language` has files of the same names."""
