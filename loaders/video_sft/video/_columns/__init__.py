"""Columns of clips in `datasets`: the feature, and its way through caches and folders."""
