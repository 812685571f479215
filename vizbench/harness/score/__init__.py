"""Score the answers of models outside vizbench: files, folders and clips."""
