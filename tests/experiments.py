"""Sample experiments: as the domain has them and as callers send them."""

from dataclasses import replace
from typing import Any

from experimentation.domain.experiment import Experiment, Kind, Metric, Role, Segment, Status, Variant
from experimentation.storage import experiments

CREATED_AT = 1_795_330_800_000  # 2026-11-22T07:00Z

PURCHASE_RATE = Metric(
    "purchase_rate", "purchase", Kind.CONVERSION, role=Role.PRIMARY, declared_at=CREATED_AT
)

CHECKOUT = Experiment(
    id="checkout-button",
    name="Checkout button",
    variants=(
        Variant("control", 500_000, '{"color":"blue"}'),
        Variant("treatment", 500_000, '{"color":"green"}'),
    ),
    control="control",
    salt="checkout-button",
    created_at=CREATED_AT,
    created_by="alice",
    updated_at=CREATED_AT,
    metrics=(PURCHASE_RATE,),
    segments=(Segment("country", ("DE", "US")),),
    planned_users=20_000,
    minimum_effect="0.02",
    overrides={"qa-1": "treatment"},
)


def experiment(**changes: Any) -> Experiment:
    """Return the draft of the checkout button, with these fields changed."""
    return replace(CHECKOUT, **changes)


def definition(**changes: Any) -> dict[str, Any]:
    """Return the same as the body of POST /experiments, with these fields changed."""
    return {
        "id": "checkout-button",
        "name": "Checkout button",
        "description": "",
        "hypothesis": "",
        "variants": [
            {"key": "control", "weight": 50, "config": {"color": "blue"}},
            {"key": "treatment", "weight": 50, "config": {"color": "green"}},
        ],
        "control": "control",
        "traffic_allocation": 100,
        "salt": "checkout-button",
        "metrics": [
            {
                "key": "purchase_rate",
                "event_type": "purchase",
                "kind": "conversion",
                "direction": "increase",
                "role": "primary",
            }
        ],
        "segments": [{"key": "country", "values": ["DE", "US"]}],
        "analysis": "sequential",
        "planned_users": 20000,
        "min_users": 150,
        "min_days": 7,
        "minimum_effect": 0.02,
        "overrides": {"qa-1": "treatment"},
    } | changes


def running(experiment_id: str, now: int, **changes: Any) -> Experiment:
    """Store an experiment that has just started, and return it."""
    draft = experiment(id=experiment_id, salt=experiment_id, created_at=now, updated_at=now, **changes)
    draft = replace(draft, metrics=tuple(replace(each, declared_at=now) for each in draft.metrics))
    experiments.create(draft, "alice")
    return experiments.change(
        experiment_id,
        lambda each: replace(each, status=Status.RUNNING, started_at=now),
        now=now,
        actor="alice",
    )
