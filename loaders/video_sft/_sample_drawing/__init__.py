"""The drawings of the samples: shapes and scenes as data, and what paints them."""
