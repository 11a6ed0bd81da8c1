"""One stream understood: its frames, their times, and how their packets are reached."""
