"""DELETE /api-keys/{key_id} - end a machine's key, everywhere within ten seconds."""

from experimentation.storage.access import api_keys
from experimentation.web.endpoint import endpoint
from experimentation.web.schemas.api_keys import KeyId


@endpoint(scope="admin", status=204)
def handler(key_id: KeyId) -> None:
    """Delete the key; 404 when there is none."""
    api_keys.delete(key_id)
