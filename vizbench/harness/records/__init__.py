"""What a run keeps on disk, and what tasks and models are called in it."""
