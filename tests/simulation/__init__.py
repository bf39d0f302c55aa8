"""The real workers and assignments in a seeded world of faults, checked against a join over raw events."""
