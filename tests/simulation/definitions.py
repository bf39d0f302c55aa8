"""What worlds are made of: experiments, users, contexts and event types, with the oddest names allowed."""

from random import Random
from typing import Any

type Document = dict[str, Any]
type Context = dict[str, str | int | bool]

EXPERIMENTS = ("a", "x", "h.1", "n", "q1-2", "0", "a.b", "p0.1")
VARIANTS = ("control", "treatment", "x", "h", "0", "A_b-1", "n")
WEIGHTS = ((50, 50), (33.3333, 33.3333, 33.3334), (25, 25, 25, 25), (90, 10), (12.5, 12.5, 25, 50))
TYPES = ("buy", "x", "h", "n", "a.b", "q1:2", "view", "s", "w", "0", *(f"type-{n}" for n in range(20)))
USERS = ("ü/#1", "USER#a/b?c=%2F", "u2", "x", "#", "u5 ", "中文", "u7")
SEGMENTS: tuple[Document, ...] = (
    {"key": "country", "values": ["DE", "US"]},
    {"key": "plan", "values": ["50%", "a/b#c", "a=b"]},
    {"key": "x", "values": ["true", "5", "é ü"]},
)
KINDS = ("conversion", "count", "value")


def users(rng: Random, most: int) -> list[str]:
    """Return the users of a world; a large one has that many."""
    if most > len(USERS):
        return [*USERS, *(f"user-{n}" for n in range(most - len(USERS)))]
    return list(USERS[: rng.randint(3, most)])


def context(user_id: str) -> Context:
    """Return what every caller says of this user."""
    n = sum(user_id.encode())
    found: Context = {"unknown": "y"}
    for key, values in (
        ("country", ("DE", "US", "FR", None)),
        ("plan", ("50%", "a/b#c", "a=b", "A=B", None)),
        ("x", (True, 5, "é ü", "5", False, None)),
    ):
        value = values[n % len(values)]
        if value is not None:
            found[key] = value
    return found


def tells_context(user_id: str, experiment_id: str) -> bool:
    """Tell whether whoever exposes this user to this experiment says what is known of the user."""
    return sum(f"{user_id}{experiment_id}".encode()) % 3 > 0


def experiment(rng: Random, name: str, types: list[str], users: list[str], history_days: int) -> Document:
    """Return a new experiment as it is sent to the API; it looks back at `history_days` at most."""
    weights = rng.choice(WEIGHTS)
    keys = rng.sample(VARIANTS, len(weights))
    return {
        "id": name,
        "name": f"Ex {name}",
        "variants": [{"key": key, "weight": weight} for key, weight in zip(keys, weights, strict=True)],
        "control": rng.choice(keys),
        "salt": rng.choice([name, "a salt of é"]),
        "traffic_allocation": rng.choice([70, 100, 100]),
        "metrics": [metric(rng, n, types) for n in range(rng.choice([1, 3, 3, 5]))],
        "segments": rng.sample(SEGMENTS, rng.choice([0, 1, 1, 1, 2, 3])),
        "count_from": rng.choice(["assignment", "assignment", "exposure"]),
        "analysis": rng.choice(["sequential", "fixed"]),
        "min_users": 2,
        "min_days": 1,
        "planned_users": 1_000,
        "cuped_days": rng.choice([1, rng.randint(1, history_days), history_days]),
        "overrides": {users[-1]: keys[0]} if rng.random() < 0.2 else {},
    }


def metric(rng: Random, number: int, types: list[str]) -> Document:
    """Return a metric on one of the types."""
    return {
        "key": f"m{number}",
        "event_type": rng.choice(types),
        "kind": KINDS[number % len(KINDS)],
        "role": rng.choice(["primary", "secondary", "guardrail"]),
    }
