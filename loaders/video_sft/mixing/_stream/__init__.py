"""Mixtures of streams."""
