"""What the platform costs, measured; they import the layer's package, as the functions do."""

import os
import sys
from pathlib import Path

OBSERVABILITY = {
    "POWERTOOLS_SERVICE_NAME": "experimentation",
    "POWERTOOLS_METRICS_NAMESPACE": "Experimentation",
}
os.environ |= OBSERVABILITY  # Powertools reads them when it is imported
sys.path.append(str(Path(__file__).parents[1] / "layers" / "common"))
