"""Bytes of videos, wherever they are: local files, memory, zip members, HTTP, fsspec, ranges kept on disk."""
