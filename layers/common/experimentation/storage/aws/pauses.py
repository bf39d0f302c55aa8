"""Waiting before a further try of something that passes by itself."""

import random
import time

FIRST_SECONDS = 0.02


def pause(tried: int) -> None:
    """Wait before a further try: full jitter, doubled each time; nothing before the first."""
    if tried:
        time.sleep(random.uniform(0, FIRST_SECONDS * 2**tried))  # noqa: S311 - not a secret
