"""GET /layers - list the layers, with the range of each experiment and what is free."""

from experimentation.clock import wall_clock
from experimentation.domain.clock import rfc3339_or_none
from experimentation.domain.experiment import MILLION
from experimentation.domain.layers import Claim, gaps, live
from experimentation.domain.percent import percent
from experimentation.storage import layers
from experimentation.storage.layers import Claims
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.experiments import LayerList


@endpoint(scope="experiments:read")
def handler(query: LayerList) -> dict[str, object]:
    """Return one page, in the order of the layers' keys."""
    page = layers.list_page(query.limit, start_of(query.cursor, "layers"))
    now = wall_clock()
    return {
        "layers": [_shown(layer, now) for layer in page.layers],
        "next_cursor": next_cursor(page.next_start, "layers"),
    }


def _shown(layer: Claims, now: int) -> dict[str, object]:
    claims = live(layer.claims, now)
    free = [{"from": percent(start), "to": percent(end)} for start, end in gaps(claims, MILLION)]
    return {"key": layer.key, "ranges": [_range(claim) for claim in claims], "free": free}


def _range(claim: Claim) -> dict[str, object]:
    return {
        "experiment_id": claim.experiment_id,
        "from": percent(claim.start),
        "to": percent(claim.end),
        "free_at": rfc3339_or_none(claim.until),
    }
