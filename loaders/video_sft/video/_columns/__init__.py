"""Columns of clips in `datasets`: the feature, and how it survives caches and folders."""
