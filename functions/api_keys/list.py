"""GET /api-keys - list the machines' keys, without their secrets."""

from experimentation.storage.access import api_keys
from experimentation.web.endpoint import endpoint
from experimentation.web.listing import next_cursor, start_of
from experimentation.web.schemas.api_keys import ApiKeyAnswer, ApiKeyList, ApiKeyPage


@endpoint(scope="admin")
def handler(query: ApiKeyList) -> ApiKeyPage:
    """Return one page."""
    page = api_keys.page(query.limit, start_of(query.cursor, "api-keys"))
    return ApiKeyPage(
        api_keys=[ApiKeyAnswer.of(key) for key in page.keys],
        next_cursor=next_cursor(page.next_after, "api-keys"),
    )
