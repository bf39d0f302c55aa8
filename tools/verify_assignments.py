"""Recompute a file of assignments: `python3 verify_assignments.py EXPERIMENT.json ASSIGNMENTS.csv|ndjson`.

Needs Python 3.10 and nothing else, on purpose: it is a second implementation of docs/bucketing.md.
EXPERIMENT.json is what GET /experiments/{experiment_id} answers. The assignments have `user_id` and `variant`
(empty or null: not enrolled) and may have `experiment_id`, `enrolled`, `reason` and `imported`. Rows that no
hash decides are skipped: another experiment's, imported ones, `not_running`, `not_in_audience`,
`prerequisite_not_met`, `shipped` and `too_many_experiments`, and those without variant and reason where the
experiment has an audience or a prerequisite. A user in `overrides` is expected to have the override, unless
the row's reason is `assigned`, `stored` or `not_in_traffic`.
"""

import argparse
import csv
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

UNHASHED = frozenset(
    {"not_running", "not_in_audience", "prerequisite_not_met", "shipped", "too_many_experiments"}
)
HASHED = frozenset({"assigned", "stored", "not_in_traffic"})
FALSE = frozenset({"false", "0", "no"})


class Rules(NamedTuple):
    """What decides: shares in millionths."""

    id: str | None
    salt: str
    traffic: tuple[str, int, int]
    weights: tuple[tuple[str, int], ...]
    overrides: Mapping[str, str]
    is_aimed: bool = False


def rules(experiment: Mapping[str, Any]) -> Rules:
    """Return the rules of an experiment as the API shows it; ValueError unless its weights sum to 100."""
    weights = tuple((variant["key"], _millionths(variant["weight"])) for variant in experiment["variants"])
    if sum(weight for _, weight in weights) != 1_000_000:
        raise ValueError("the weights do not sum to 100")
    return Rules(
        id=experiment.get("id"),
        salt=experiment.get("salt") or experiment["id"],
        traffic=_traffic(experiment),
        weights=weights,
        overrides=experiment.get("overrides") or {},
        is_aimed=bool(experiment.get("audience") or experiment.get("prerequisite")),
    )


def _traffic(experiment: Mapping[str, Any]) -> tuple[str, int, int]:
    """Return the salt of the traffic's draw and the buckets from .. below that take part."""
    layer = experiment.get("layer")
    if layer:
        return layer["key"], _millionths(layer["from"]), _millionths(layer["to"])
    salt = experiment.get("salt") or experiment["id"]
    return salt, 0, _millionths(experiment.get("traffic_allocation", 100))


def draw(salt: str, purpose: str, user_id: str) -> int:
    """Return the unsigned 64-bit draw: the first 8 bytes of SHA-256 over the joined parts."""
    joined = b"\x1f".join(part.encode("utf-8") for part in ("v1", salt, purpose, user_id))
    return int.from_bytes(hashlib.sha256(joined).digest()[:8], "big")


def bucket(number: int) -> int:
    """Return the bucket 0 .. 999,999 of a draw."""
    return number * 1_000_000 // 2**64


def computed(rule: Rules, user_id: str) -> str | None:
    """Return the variant that the hash gives, None for a user outside the traffic."""
    salt, start, below = rule.traffic
    if not start <= bucket(draw(salt, "traffic", user_id)) < below:
        return None
    position = bucket(draw(rule.salt, "variant", user_id))
    for key, weight in rule.weights:
        position -= weight
        if position < 0:
            return key
    raise ValueError("the weights do not sum to 100")


def expected(rule: Rules, row: Mapping[str, Any]) -> str | None:
    """Return the variant that the row should have."""
    user_id = row["user_id"]
    if user_id in rule.overrides and row.get("reason") not in HASHED:
        return rule.overrides[user_id]
    return computed(rule, user_id)


def recorded(row: Mapping[str, Any]) -> str | None:
    """Return the variant that the row has."""
    return None if str(row.get("enrolled", "")).lower() in FALSE else row["variant"] or None


def is_decided(rule: Rules, row: Mapping[str, Any]) -> bool:
    """Tell whether the hash or an override decides about the row."""
    if row.get("reason") in UNHASHED or row.get("experiment_id") not in (None, "", rule.id):
        return False
    if rule.is_aimed and recorded(row) is None and not row.get("reason"):
        return False
    return str(row.get("imported") or "").lower() in FALSE | {""}


def rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield each row and its line number, from CSV with a header or from newline-delimited JSON."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        is_json = file.read(1) == "{"
        file.seek(0)
        if is_json:
            yield from ((number, json.loads(line)) for number, line in enumerate(file, 1) if line.strip())
        else:
            reader = csv.DictReader(file)
            if not {"user_id", "variant"} <= set(reader.fieldnames or ()):
                raise ValueError("the first line names no user_id or no variant")
            yield from ((reader.line_num, row) for row in reader)


def verify(rule: Rules, path: Path) -> Counter[str]:
    """Print each row that differs and return how many agree, differ and were skipped."""
    counts: Counter[str] = Counter()
    for line, row in rows(path):
        if not row.get("user_id") or "variant" not in row:
            raise ValueError(f"line {line} has no user_id or no variant")
        if not is_decided(rule, row):
            counts["skipped"] += 1
        elif recorded(row) == expected(rule, row):
            counts["agree"] += 1
        else:
            counts["differ"] += 1
            print(_difference(rule, line, row))
    return counts


def main(arguments: list[str]) -> int:
    """Return 0 when every assignment is as computed, 1 when one differs, 2 for files that cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("experiment", type=Path)
    parser.add_argument("assignments", type=Path)
    given = parser.parse_args(arguments)
    try:
        definition = json.loads(given.experiment.read_text(encoding="utf-8"), parse_float=Decimal)
        counts = verify(rules(definition), given.assignments)
    except (OSError, KeyError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        print(f"cannot verify: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(f"{counts['agree']} agree, {counts['differ']} differ, {counts['skipped']} skipped")
    return 1 if counts["differ"] else 0


def _difference(rule: Rules, line: int, row: Mapping[str, Any]) -> str:
    user_id = row["user_id"]
    salts = {"traffic": rule.traffic[0], "variant": rule.salt}
    buckets = [bucket(draw(salt, purpose, user_id)) for purpose, salt in salts.items()]
    return (
        f"line {line}: user {json.dumps(user_id)} has {recorded(row) or 'no variant'}, "
        f"expected {expected(rule, row) or 'no variant'} "
        f"(traffic bucket {buckets[0]}, variant bucket {buckets[1]})"
    )


def _millionths(percent: Decimal | int | str) -> int:
    share = Decimal(percent) * 10_000
    if share != int(share):
        raise ValueError(f"{percent} has more than four decimals")
    return int(share)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
