"""Run golden cases of the bucketing: `python -m tests.vectors.run_bucketing PATH...` prints what failed."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "layers" / "common"))

from experimentation.domain import bucketing


def mismatches(case: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the implementation makes of a case otherwise than the case says."""
    salt, user_id = case["salt"], case["user_id"]
    for purpose in (bucketing.TRAFFIC, bucketing.VARIANT):
        draw = bucketing.unit_hash(salt, purpose, user_id)
        if str(draw) != str(case["u64"][purpose]):
            yield f"u64.{purpose}: {draw}, not {case['u64'][purpose]}"
        if bucketing.bucket(draw) != case["bucket"][purpose]:
            yield f"bucket.{purpose}: {bucketing.bucket(draw)}, not {case['bucket'][purpose]}"
    weights = [(key, weight) for key, weight in case["weights"]]
    variant = bucketing.decide(salt, user_id, case["traffic_allocation"], weights)
    if variant != case["variant"]:
        yield f"variant: {variant}, not {case['variant']}"


def run(paths: list[Path]) -> tuple[int, int]:
    """Print every mismatch and return how many cases passed and how many failed."""
    passed = failed = 0
    for path in paths:
        for number, case in enumerate(json.loads(path.read_text(encoding="utf-8"))["cases"]):
            try:
                wrong = list(mismatches(case))
            except (KeyError, TypeError, ValueError) as error:
                wrong = [f"not a case: {error!r}"]
            for line in wrong:
                print(f"{path.name} case {number}: {line}")
            passed, failed = passed + (not wrong), failed + bool(wrong)
    return passed, failed


def main(arguments: list[str]) -> int:
    """Return 0 when every case passed, 1 when one failed or there was none."""
    passed, failed = run([Path(argument) for argument in arguments])
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
