"""Command line tools of operators and developers."""
