"""The real workers and assignments in a seeded world of faults, checked against a join over raw events."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "layers" / "common"))
