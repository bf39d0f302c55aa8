"""Counting a user's events exactly once: the ledger, and the counters that it adds to."""
