"""Define what a task is, and find tasks by name."""
