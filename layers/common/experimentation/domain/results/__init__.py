"""Results: totals from counters, the answer made of them, and the rows behind it."""
