"""Streams understood: their frames, their times, and how their packets are reached."""
