"""Judging answers that models outside vizbench gave: files, folders and clips."""
