"""Adapt language models by LoRA. `video` has files of the same names."""
