"""Define, adapt and pretrain the embedded language model."""
