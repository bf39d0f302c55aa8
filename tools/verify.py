"""Recompute every counter of an experiment from its users' events; print those that differ, and exit 1.

    python -m tools.verify --experiment checkout-button

The table comes from DATA_TABLE, the account from the usual AWS variables; of a local stack, both come from
`. .local/env`. It reads every user of the experiment: an operator's tool, not a request.
"""

import argparse
import sys

from experimentation.domain.errors import ExperimentationError
from experimentation.usecases.runtime import wall_clock
from experimentation.usecases.verifying import differences

SHOWN = 50


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Recompute an experiment's counters from its users' events.")
    parser.add_argument("--experiment", required=True, metavar="ID")
    chosen = parser.parse_args()
    try:
        found = differences(chosen.experiment, wall_clock())
    except ExperimentationError as error:
        print(error.detail, file=sys.stderr)
        return 2
    for name, expected, stored in found[:SHOWN]:
        print(f"{name}: expected {expected}, stored {stored}")
    print(f"{len(found)} differing cells")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
