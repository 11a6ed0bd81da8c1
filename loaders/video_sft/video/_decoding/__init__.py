"""The way from packets to pictures."""
