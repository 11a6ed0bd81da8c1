"""Encoders of clips: as files of their own, anew or copied, and as pictures."""
