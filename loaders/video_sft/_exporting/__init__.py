"""Rows as files that other trainers read."""
