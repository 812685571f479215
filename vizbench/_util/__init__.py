"""Help every other package: files, locks, processes, text, parameters, compiled code. No tasks or models."""
