"""Define, adapt and pretrain the embedded video model."""
