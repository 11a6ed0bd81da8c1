"""The files of a source: found under a root, given by name, or downloaded, and what is said of missing ones."""
