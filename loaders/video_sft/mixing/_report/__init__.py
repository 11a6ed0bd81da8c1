"""The report on a mixture: its figures, as text, HTML and a plot."""
