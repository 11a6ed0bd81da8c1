"""The order of a mixture: shares, numbers of rows, and which row comes when."""
