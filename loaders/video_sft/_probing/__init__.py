"""Facts about the files of rows, read once and kept."""
