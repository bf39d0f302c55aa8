"""DELETE /api-keys/{key_id} - end a machine's key, everywhere within ten seconds."""

from experimentation.storage.access import api_keys, audit
from experimentation.storage.access.audit import Deed
from experimentation.web.endpoint import endpoint
from experimentation.web.principals import Principal, origin_of
from experimentation.web.request import Request
from experimentation.web.schemas.api_keys import KeyId


@endpoint(scope="admin", status=204, recent=True)
def handler(key_id: KeyId, principal: Principal, request: Request, now: int) -> None:
    """Delete the key; 404 when there is none."""
    api_keys.delete(key_id, [audit.writing(Deed.KEY_ENDED, origin_of(request, principal, now), key_id)])
