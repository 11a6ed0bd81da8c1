"""Clips as files of their own: encoded anew, copied as they are, or as pictures."""
