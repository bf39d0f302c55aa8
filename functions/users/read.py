"""GET /users - everything that is stored about a person."""

from experimentation import settings
from experimentation.domain.assignment import Crossover
from experimentation.domain.clock import DAY_MS, rfc3339, rfc3339_or_none
from experimentation.domain.counting.event import in_units
from experimentation.domain.counting.ledger import Head
from experimentation.storage import archive
from experimentation.usecases import personal_data
from experimentation.usecases.personal_data import Enrolled, LedgerTotal, Profile
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.personal_data import ErasureAnswer, PersonalDataQuery
from experimentation.web.schemas.stored_events import shown

runtime = Runtime()

KINDS = (archive.EVENTS, archive.EXPOSURES)


@endpoint(scope="admin")
def handler(query: PersonalDataQuery) -> dict[str, object]:
    """Answer the person's assignments on the first page, then totals by day, then events, page by page.

    Nothing of an earlier person with the same id, before an erasure, is stored.
    """
    purpose = f"users:{query.user_id}"
    after = start_of(query.cursor, purpose)
    whole = personal_data.profile(query.user_id, runtime) if after is None else Profile(Head(), [], {}, [])
    page = personal_data.page(query.user_id, query.limit, after)
    erasure = personal_data.erasure_of(query.user_id)
    return {
        "user_id": query.user_id,
        "last_event_at": rfc3339_or_none(whole.head.last or None),
        "assignments": list(map(_assignment, whole.enrolled)),
        "overrides": whole.overrides,
        "crossovers": list(map(_crossover, whole.crossovers)),
        "totals": list(map(_total, page.totals)),
        "events": list(map(shown, page.events)),
        "archive": {"bucket": settings.archive_bucket(), "prefixes": [f"{kind}/date=" for kind in KINDS]},
        "erasure": None if erasure is None else ErasureAnswer.of(erasure),
        "next_cursor": next_cursor(page.next_after, purpose),
    }


def _assignment(enrolled: Enrolled) -> dict[str, object]:
    boundary, stored = enrolled.boundary, enrolled.stored
    return {
        "experiment_id": boundary.experiment_id,
        "variant": boundary.variant,
        "assigned_at": rfc3339(boundary.at),
        "ended_at": rfc3339_or_none(enrolled.ended_at),
        "segments": list(boundary.labels),
        "context": None if stored is None else dict(stored.context),
        "imported": stored is not None and stored.imported,
        "late": stored is not None and stored.late,
    }


def _crossover(crossover: Crossover) -> dict[str, object]:
    return {
        "experiment_id": crossover.experiment_id,
        "variant": crossover.variant,
        "at": rfc3339(crossover.at),
    }


def _total(total: LedgerTotal) -> dict[str, object]:
    day = rfc3339(total.day * DAY_MS)[:10] if total.day else None
    return {"type": total.type, "day": day, "events": total.events, "sum": in_units(total.total)}
