"""Recompute every counter of an experiment from its users' events; print those that differ, and exit 1.

    python -m tools.verify --experiment checkout-button

The table comes from DATA_TABLE, the account from the usual AWS variables; of a local stack, both come from
`. .local/env`. Events that were accepted and are not stored are in no table: where the dead-letter queues of
counting are named too (COUNT_DEAD_LETTER_QUEUE_URL, COUNT_SUBSCRIPTION_DEAD_LETTER_QUEUE_URL), their messages
are a difference as well. It reads every user of the experiment: an operator's tool, not a request.
"""

import argparse
import sys

from experimentation.clock import wall_clock
from experimentation.domain.errors import ConfigurationError, ExperimentationError
from experimentation.usecases.verifying import differences, given_up

SHOWN = 50


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Recompute an experiment's counters from its users' events.")
    parser.add_argument("--experiment", required=True, metavar="ID")
    chosen = parser.parse_args()
    try:
        found = differences(chosen.experiment, wall_clock())
        dead_letters = _dead_letters()
    except ExperimentationError as error:
        print(error.detail, file=sys.stderr)
        return 2
    for name, expected, stored in found[:SHOWN]:
        print(f"{name}: expected {expected}, stored {stored}")
    print(f"{len(found)} differing cells")
    if dead_letters:
        print(f"{dead_letters} dead letters of any experiment: their events are accepted and not counted")
    return 1 if found or dead_letters else 0


def _dead_letters() -> int:
    try:
        return given_up()
    except ConfigurationError as error:
        print(f"dead letters were not looked for: {error}", file=sys.stderr)
        return 0


if __name__ == "__main__":
    sys.exit(main())
