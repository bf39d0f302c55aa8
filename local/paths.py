"""Where the repository's parts and the local data are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
MONITORING = ROOT / "monitoring.yaml"
FUNCTIONS = ROOT / "functions"
LAYER = ROOT / "layers" / "common"
EMULATOR_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
DATA = ROOT / ".local"
