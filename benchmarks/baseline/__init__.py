"""A plain service of the same three calls, as most teams would write it: what ours is measured against."""
