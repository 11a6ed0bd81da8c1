"""Evaluation lists: the videos and questions that training mixtures are kept clear of."""
