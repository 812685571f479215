"""Language models with LoRA: the same file names as beside it in `video`."""
