"""The page on which rows are looked at: what is opened, its rows, its media, and the server on this machine."""
