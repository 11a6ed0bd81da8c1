"""Frames and sound of one file: the interface a clip stands on."""
