"""Deliberate bugs in the counting protocol, each of which the tests must notice."""
