"""The rows of a mixture: which are taken, and why the others are not."""
