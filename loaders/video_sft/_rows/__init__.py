"""The shared row: its schema, its messages, and what becomes of rows afterwards."""
