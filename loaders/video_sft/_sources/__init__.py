"""A source as stated: its facts, its records, its pools, and the register of all there are."""
