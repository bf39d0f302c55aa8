"""A shop that has been experimenting for thirty days: its experiments, its visitors and what they did.

Seeded, so that it is the same everywhere; only the time at which it ends is given.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tools.demo.trial import DAY_MS, HOUR_MS, MINUTE_MS

SEED = 20_261_125
DAYS = 30
HISTORY_DAYS = 20  # what customers did before their first visit in the thirty days: CUPED's history
VISITORS_A_DAY = 130
OPENING = 7 * HOUR_MS  # of a day in UTC: people start and end experiments when they come to work
COUNTRIES = {"DE": 0.45, "AT": 0.2, "US": 0.35}
DEVICES = {"phone": 0.6, "desktop": 0.4}
COUNTRY = {"key": "country", "values": list(COUNTRIES)}
DEVICE = {"key": "device", "values": list(DEVICES)}


class Effect(NamedTuple):
    """What a treatment does to a visitor, as factors; `lost` is the share of visitors it loses."""

    purchases: float = 1.0
    returns: float = 1.0
    signups: float = 1.0
    lost: float = 0.0


class Step(NamedTuple):
    """A step in an experiment's life; `ending` is what is said about its end."""

    days_ago: int
    status: str
    ending: Mapping[str, str] = {}


class Planned(NamedTuple):
    """An experiment as somebody would define it, its life and what is true of its treatment."""

    definition: Mapping[str, Any]
    steps: Sequence[Step]
    effect: Effect
    author: str = "ada"


class Visitor(NamedTuple):
    """Somebody who comes once in the thirty days; `history` are earlier purchases as (time, value)."""

    user_id: str
    arrives: int
    context: Mapping[str, str]
    taste: float
    history: Sequence[tuple[int, float]]


class Act(NamedTuple):
    """Something that a visitor did; `value` in euros."""

    event_id: str
    user_id: str
    type: str
    at: int
    value: float = 1.0
    properties: Mapping[str, object] = {}


def planned() -> list[Planned]:
    """Return the experiments, the oldest first."""
    return [
        Planned(
            _experiment(
                "holdout",
                "Holdout of the year",
                "What we ship in a year is worth its work.",
                ("Held out", "Open"),
                variants=[
                    {"key": "held_out", "name": "Held out", "weight": 10},
                    {"key": "open", "name": "Open", "weight": 90},
                ],
                segments=[],
                owner="Growth",
                tags=["holdout"],
            ),
            [Step(30, "running")],
            Effect(),
        ),
        Planned(
            _experiment(
                "delivery-date",
                "Delivery date on the product page",
                "People who know when it arrives buy more often.",
                ("Without", "With delivery date"),
                minimum_effect=0.05,
                owner="Product pages",
                tags=["product page"],
            ),
            [
                Step(30, "running"),
                Step(
                    9,
                    "completed",
                    {"ship": "treatment", "conclusion": "won", "note": "Next: the same date in the basket."},
                ),
            ],
            Effect(purchases=1.5),
            "jonas",
        ),
        Planned(
            _experiment(
                "newsletter-popup",
                "Newsletter pop-up",
                "A pop-up after ten seconds gains subscribers and costs no purchases.",
                ("No pop-up", "Pop-up"),
                primary="signups",
                planned_users=2_000,
                minimum_effect=0.2,
                analysis="fixed",
                owner="Growth",
                tags=["newsletter"],
            ),
            [
                Step(28, "running"),
                Step(
                    11,
                    "completed",
                    {"ship": "control", "conclusion": "lost", "note": "Too little to gain: we leave it out."},
                ),
            ],
            Effect(signups=1.05),
        ),
        Planned(
            _experiment(
                "one-page-checkout",
                "Checkout on one page",
                "Fewer steps, fewer abandoned baskets.",
                ("Three steps", "One page"),
                planned_users=12_000,
                minimum_effect=0.1,
                layer={"key": "checkout", "from": 0, "to": 70},
                owner="Checkout",
                tags=["checkout"],
            ),
            [Step(20, "running")],
            Effect(purchases=1.13),
        ),
        Planned(
            _experiment(
                "larger-pictures",
                "Larger product pictures",
                "People who see more of a product buy more.",
                ("Small", "Large"),
                guard={"harm": "pause"},
                owner="Product pages",
                tags=["product page", "pictures"],
            ),
            [Step(17, "running")],  # its guard pauses it
            Effect(purchases=1.05, returns=3.2),
            "jonas",
        ),
        Planned(
            _experiment(
                "new-home-page",
                "New home page",
                "Showing what is new brings people back.",
                ("Old", "New"),
                owner="Growth",
            ),
            [Step(10, "running")],
            Effect(purchases=1.1, lost=0.25),
        ),
        Planned(
            _experiment(
                "guest-checkout",
                "Checkout without an account",
                "Nobody wants another password.",
                ("With account", "As a guest"),
                planned_users=10_000,
                minimum_effect=0.1,
                layer={"key": "checkout", "from": 70, "to": 100},
                prerequisite={"experiment_id": "holdout", "variants": ["open"]},
                owner="Checkout",
                tags=["checkout", "sign-up"],
            ),
            [Step(8, "running")],
            Effect(purchases=1.08),
        ),
        Planned(
            _experiment(
                "basket-reminder",
                "Reminder of a full basket",
                "A mail the next morning brings back one in ten.",
                ("No mail", "Mail"),
                planned_users=20_000,
                minimum_effect=0.12,
                audience={"country": {"$in": ["DE", "AT"]}},
                owner="Growth",
                tags=["mail"],
            ),
            [],
            Effect(),
        ),
    ]


def visitors(now: int) -> list[Visitor]:
    """Return those who came within the last thirty days, in the order of their arrival."""
    rng = random.Random(SEED)  # noqa: S311 - a simulation
    found = []
    for number in range(DAYS * VISITORS_A_DAY):
        arrives = now - 10 * MINUTE_MS - int(rng.random() * (DAYS * DAY_MS - HOUR_MS))
        taste = rng.gammavariate(2, 0.5)
        history = [
            (arrives - MINUTE_MS - int(rng.random() * HISTORY_DAYS * DAY_MS), _basket(rng))
            for _ in range(_repeats(rng, 0.4 * taste))
        ]
        context = {"country": _drawn(rng, COUNTRIES), "device": _drawn(rng, DEVICES)}
        found.append(Visitor(f"visitor-{number:05}", arrives, context, taste, history))
    return sorted(found, key=lambda each: each.arrives)


def acts(visitor: Visitor, effects: Sequence[Effect], now: int) -> list[Act]:
    """Return what a visitor does after arriving, by the effects of the treatments met, until `now`."""
    rng = random.Random(f"{SEED} {visitor.user_id}")  # noqa: S311 - a simulation
    found: list[Act] = []

    def happens(kind: str, delay: float, value: float = 1.0) -> None:
        at = visitor.arrives + MINUTE_MS + int(delay)
        if at < now:
            event_id = f"{visitor.user_id}-{len(found)}"
            found.append(Act(event_id, visitor.user_id, kind, at, value, _properties(event_id, kind)))

    if rng.random() < 0.08 * _product(each.signups for each in effects):
        happens("signup", rng.random() * HOUR_MS)
    for _ in range(_repeats(rng, 0.22 * visitor.taste * _product(each.purchases for each in effects))):
        delay, value = rng.random() ** 2 * 4 * DAY_MS, _basket(rng)
        happens("purchase", delay, value)
        if rng.random() < 0.1 * _product(each.returns for each in effects):
            happens("return", delay + DAY_MS * (1 + rng.random()), value)
    return found


def _properties(event_id: str, kind: str) -> Mapping[str, object]:
    rng = random.Random(f"{SEED} {event_id}")  # noqa: S311 - a simulation; of its own, so that it moves no other
    if kind == "purchase":
        return {"items": rng.randint(1, 4), "paid_by": rng.choice(["card", "paypal", "invoice"])}
    if kind == "return":
        return {"reason": rng.choice(["too small", "too large", "not as pictured"])}
    return {"form": rng.choice(["footer", "checkout"])}


def is_lost(user_id: str, experiment_id: str, share: float) -> bool:
    """Tell whether a treatment that loses this share of its visitors loses this one."""
    return random.Random(f"{SEED} {experiment_id} {user_id}").random() < share  # noqa: S311 - a simulation


def _experiment(
    key: str,
    name: str,
    hypothesis: str,
    names: tuple[str, str],
    *,
    primary: str = "purchases",
    **plan: object,
) -> dict[str, Any]:
    metrics: list[dict[str, Any]] = [
        {"key": "purchases", "name": "Purchase rate", "event_type": "purchase", "kind": "conversion"},
        {"key": "revenue", "name": "Revenue per visitor", "event_type": "purchase", "kind": "value"},
        {"key": "signups", "name": "Newsletter sign-ups", "event_type": "signup", "kind": "conversion"},
        {
            "key": "returns",
            "name": "Return rate",
            "event_type": "return",
            "kind": "conversion",
            "direction": "decrease",
            "role": "guardrail",
        },
    ]
    for metric in metrics:
        metric.setdefault("role", "primary" if metric["key"] == primary else "secondary")
    return {
        "id": key,
        "name": name,
        "hypothesis": hypothesis,
        "variants": [
            {"key": "control", "name": names[0], "weight": 50, "config": {"shown": False}},
            {"key": "treatment", "name": names[1], "weight": 50, "config": {"shown": True}},
        ],
        "metrics": metrics,
        "segments": [COUNTRY, DEVICE],
        **plan,
    }


def _drawn(rng: random.Random, shares: Mapping[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]


def _basket(rng: random.Random) -> float:
    return round(rng.lognormvariate(3.4, 0.7), 2)


def _repeats(rng: random.Random, mean: float) -> int:
    """Return a number from a geometric distribution with about this mean."""
    n = 0
    while rng.random() < mean / (1 + mean):
        n += 1
    return n


def _product(factors: Any) -> float:
    product = 1.0
    for factor in factors:
        product *= factor
    return product
