"""Helpers that know nothing of tasks and models: files, processes, text, parameters, compiled code."""
