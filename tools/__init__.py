"""Command line tools of operators and developers; they import the layer's package, as the functions do."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "layers" / "common"))
