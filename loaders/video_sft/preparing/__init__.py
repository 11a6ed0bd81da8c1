"""Videos made ready for training: probed, trimmed, made small, on one machine or on many."""
