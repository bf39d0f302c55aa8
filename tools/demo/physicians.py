"""The Physicians' Health Study: aspirin against heart attacks, as textbooks print it.

Source: Steering Committee of the Physicians' Health Study (NEJM 1988); Agresti, Categorical Data Analysis,
table 2.3: 189 of 11,034 physicians on placebo and 104 of 11,037 on aspirin had a heart attack. The study
began in 1982; here it happens in the last two weeks, because old events are refused.
"""

from tools.demo.trial import DAY_MS, MINUTE_MS, Assigned, Happened, Trial

GROUPS = {"placebo": (11_034, 189), "aspirin": (11_037, 104)}
DAYS = 12


def physicians(now: int) -> Trial:
    """Return the study with its last event an hour or more before `now`."""
    start = now - 14 * DAY_MS
    assignments: list[Assigned] = []
    events: list[Happened] = []
    for group, (users, attacks) in GROUPS.items():
        for n in range(users):
            user_id = f"physician-{group}-{n}"
            assignments.append(Assigned(user_id, group, start + n, {}))
            if n < attacks:
                at = start + DAY_MS + n % DAYS * DAY_MS + n * MINUTE_MS
                events.append(Happened(f"attack-{group}-{n}", user_id, "heart_attack", at))
    return Trial("The Physicians' Health Study", _definition(), [], assignments, events)


def _definition() -> dict[str, object]:
    return {
        "id": "physicians-health-study",
        "name": "Physicians' Health Study",
        "hypothesis": "Aspirin prevents heart attacks.",
        "variants": [{"key": "placebo", "weight": 50}, {"key": "aspirin", "weight": 50}],
        "metrics": [
            {
                "key": "heart_attack_rate",
                "event_type": "heart_attack",
                "kind": "conversion",
                "direction": "decrease",
                "role": "primary",
            }
        ],
        "analysis": "fixed",
        "planned_users": 22_000,
        "min_days": 0,  # the replay takes minutes
    }
