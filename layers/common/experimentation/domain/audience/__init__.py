"""Who may take part: a condition on the user's context, in the language of GrowthBook's SDKs."""

from collections.abc import Callable

type Search = Callable[[str, str], bool]
"""Tells whether a regular expression is found in a text."""
