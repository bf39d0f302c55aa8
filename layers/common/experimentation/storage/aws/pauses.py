"""Waiting before a further try of something that passes by itself."""

import time
from random import SystemRandom

FIRST_SECONDS = 0.02
_rng = SystemRandom()  # environments restored from one snapshot would share the state of any other


def pause(tried: int) -> None:
    """Wait before a further try: full jitter, doubled each time; nothing before the first."""
    if tried:
        time.sleep(_rng.uniform(0, FIRST_SECONDS * 2**tried))
