"""Dataset cards: prose by hand around generated blocks."""
