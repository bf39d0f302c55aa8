"""LaLonde's job-training experiment: earnings in 1978, and those of 1975 from before the assignment.

Source: LaLonde (American Economic Review 76, 1986), the sample of Dehejia and Wahba (JASA 94, 1999), as the
package causaldata ships it (data set nsw_mixtape; it was randomised: 185 trained, 260 not).
"""

from decimal import Decimal
from typing import NamedTuple

from causaldata import nsw_mixtape

from tools.demo.trial import DAY_MS, HOUR_MS, UNIT, Assigned, Happened, Trial

EVENT_TYPE = "earnings"


class Worker(NamedTuple):
    """One row of the data; earnings in units of 1e-4 dollars."""

    user_id: str
    trained: bool
    earned_1975: int
    earned_1978: int


def workers() -> list[Worker]:
    """Return the rows, earnings rounded to four decimals."""
    rows = nsw_mixtape.load_pandas().data
    return [
        Worker(f"worker-{n}", bool(treat), _amount(re75), _amount(re78))
        for n, (treat, re75, re78) in enumerate(
            zip(rows.treat.tolist(), rows.re75.tolist(), rows.re78.tolist(), strict=True)
        )
    ]


def lalonde(now: int) -> Trial:
    """Return the experiment: assigned five days before `now`; who earned nothing has no event."""
    assigned_at = now - 5 * DAY_MS
    people = workers()
    return Trial(
        "LaLonde's job-training experiment",
        _definition(),
        [
            Happened(f"1975-{each.user_id}", each.user_id, EVENT_TYPE, assigned_at - DAY_MS, each.earned_1975)
            for each in people
            if each.earned_1975
        ],
        [
            Assigned(each.user_id, "trained" if each.trained else "not_trained", assigned_at, {})
            for each in people
        ],
        [
            Happened(
                f"1978-{each.user_id}", each.user_id, EVENT_TYPE, assigned_at + HOUR_MS, each.earned_1978
            )
            for each in people
            if each.earned_1978
        ],
    )


def _amount(dollars: float) -> int:
    return int((Decimal(dollars) * UNIT).to_integral_value())


def _definition() -> dict[str, object]:
    return {
        "id": "lalonde-job-training",
        "name": "LaLonde's job-training experiment",
        "hypothesis": "Training raises earnings.",
        # 185 of the 445 were trained: the weights that the randomisation had are not known better
        "variants": [{"key": "not_trained", "weight": 58.427}, {"key": "trained", "weight": 41.573}],
        "metrics": [{"key": "earnings", "event_type": EVENT_TYPE, "kind": "value", "role": "primary"}],
        "analysis": "fixed",
        "planned_users": 445,
        "min_days": 0,
        "adjustment": "none",
    }
