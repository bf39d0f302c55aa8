"""A synthetic shop: three checkouts, a month, orders and revenue, and a country that reacts by itself.

Seeded, so that it is the same everywhere; only the time at which it ends is given.
"""

import random
from typing import NamedTuple

from tools.demo.trial import DAY_MS, HOUR_MS, MINUTE_MS, UNIT, Assigned, Happened, Trial

SEED = 20_261_122
USERS = 20_000
DAYS = 30
HISTORY_DAYS = 20
RETURNED = 0.06
COUNTRIES = {"DE": 0.4, "US": 0.4, "FR": 0.2}
BASE_RATE = 0.2
LIFTS = {"control": 1.0, "one_page": 1.15, "express": 1.02}
LIFTS_IN_US = {"control": 1.0, "one_page": 1.6, "express": 1.02}
BASKETS = {"control": 1.0, "one_page": 1.0, "express": 1.1}
LOST = 0.12  # of express's users, where the sample ratio is to be off


class _Shopper(NamedTuple):
    user_id: str
    variant: str
    country: str
    taste: float
    assigned_at: int


def shop(now: int, users: int = USERS, *, mismatch: bool = False) -> Trial:
    """Return the shop's last 30 days before `now`; with a `mismatch`, express loses users."""
    rng = random.Random(SEED)  # noqa: S311 - a simulation
    name = "shop-mismatch" if mismatch else "shop"
    before: list[Happened] = []
    assignments: list[Assigned] = []
    events: list[Happened] = []
    for n in range(users):
        shopper = _shopper(rng, f"{name}-{n}", now)
        earlier, later = _orders(rng, shopper, now)
        if mismatch and shopper.variant == "express" and rng.random() < LOST:
            continue
        assignments.append(
            Assigned(shopper.user_id, shopper.variant, shopper.assigned_at, {"country": shopper.country})
        )
        before += earlier
        events += later
    title = "A shop whose split is off" if mismatch else "A shop"
    return Trial(title, _definition(name, title, users), before, assignments, events)


def _shopper(rng: random.Random, user_id: str, now: int) -> _Shopper:
    return _Shopper(
        user_id,
        rng.choice(list(LIFTS)),
        rng.choices(list(COUNTRIES), list(COUNTRIES.values()))[0],
        rng.gammavariate(2, 0.5),
        now - HOUR_MS - int(rng.random() * (DAYS * DAY_MS - 2 * HOUR_MS)),
    )


def _orders(rng: random.Random, shopper: _Shopper, now: int) -> tuple[list[Happened], list[Happened]]:
    """Return the events before and after the assignment: who bought before is likelier to buy again."""
    lift = (LIFTS_IN_US if shopper.country == "US" else LIFTS)[shopper.variant]
    earlier = [
        event
        for n in range(_repeats(rng, 0.3 * shopper.taste))
        for event in _order(
            rng,
            shopper,
            f"b{n}",
            shopper.assigned_at - MINUTE_MS - int(rng.random() * HISTORY_DAYS * DAY_MS),
            1.0,
            shopper.assigned_at,
        )
    ]
    room = now - shopper.assigned_at
    later = [
        event
        for n in range(_repeats(rng, BASE_RATE * shopper.taste * lift))
        for event in _order(
            rng,
            shopper,
            f"a{n}",
            shopper.assigned_at + int(rng.random() ** 2 * room),
            BASKETS[shopper.variant],
            now,
        )
    ]
    return earlier, later


def _repeats(rng: random.Random, rate: float) -> int:
    """Return a number from a geometric distribution with about this mean."""
    n = 0
    while rng.random() < rate / (1 + rate):
        n += 1
    return n


def _order(
    rng: random.Random, shopper: _Shopper, name: str, at: int, basket: float, until: int
) -> list[Happened]:
    """Return an order, and sometimes its return a little later but before `until`."""
    cents = round(100 * basket * rng.lognormvariate(3.4, 0.8))
    order = Happened(f"{shopper.user_id}-{name}", shopper.user_id, "purchase", at, cents * UNIT // 100)
    is_returned, delay = rng.random() < RETURNED, int(rng.random() * DAY_MS)
    if not is_returned or at + delay >= until:
        return [order]
    return [order, order._replace(event_id=f"{order.event_id}-r", type="return", at=at + delay)]


def _definition(name: str, title: str, users: int) -> dict[str, object]:
    return {
        "id": name,
        "name": title,
        "hypothesis": "A checkout on one page sells more.",
        "variants": [
            {"key": "control", "weight": 33.3334},
            {"key": "one_page", "weight": 33.3333},
            {"key": "express", "weight": 33.3333},
        ],
        "metrics": [
            {"key": "purchase_rate", "event_type": "purchase", "kind": "conversion", "role": "primary"},
            {"key": "orders", "event_type": "purchase", "kind": "count", "role": "secondary"},
            {"key": "revenue", "event_type": "purchase", "kind": "value", "role": "secondary"},
            {
                "key": "return_rate",
                "event_type": "return",
                "kind": "conversion",
                "direction": "decrease",
                "role": "guardrail",
            },
        ],
        "segments": [{"key": "country", "values": ["DE", "US"]}],
        "planned_users": users,
        "minimum_effect": 0.05,
        "min_days": 0,
        "adjustment": "none",
    }
