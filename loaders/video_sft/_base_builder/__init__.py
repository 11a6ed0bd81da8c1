"""From a source's facts and `parse` to a `datasets` builder: everything the sources have in common."""
