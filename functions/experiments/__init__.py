"""Experiments: define, start, ramp, pause, finish."""
