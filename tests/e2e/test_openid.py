"""Signing in at an OpenID provider, through the running stack as a browser goes."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.conftest import RunningStack, start_stack, stop_stack
from tests.openid_provider import Provider, serving

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as running:
        running.claims = {"ada-1": {"email": "ada@example.com", "email_verified": True, "roles": ["admin"]}}
        yield running


@pytest.fixture
def federated(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose people may sign in at the provider."""
    parameters = f"OidcIssuer={provider.address} OidcClientId=console OidcName='Example ID'"
    running = start_stack(tmp_path_factory.mktemp("openid"), PARAMETERS=parameters)
    yield running
    stop_stack(running)


def test_person_signs_in_at_the_provider_and_works_with_a_session_of_ours(
    provider: Provider, federated: RunningStack
) -> None:
    federated.token()  # the deployment's own administrator comes first
    with httpx.Client(base_url=federated.base_url, timeout=30) as browser:
        href = browser.get("/auth/methods").json()["oidc"]["href"]
        leaving = browser.get(href)
        back = provider.signs_in(leaving.headers["location"], "ada-1")
        cookies = {"Cookie": leaving.headers["set-cookie"].partition(";")[0]}
        arrived = browser.get("/auth/oidc/callback", params=back, headers=cookies)
        names = {each.partition("=")[0] for each in arrived.headers.get_list("set-cookie")}
        again = browser.get("/auth/oidc/callback", params=back, headers=cookies)
        held = "; ".join(each.partition(";")[0] for each in arrived.headers.get_list("set-cookie"))
        me = browser.get("/auth/me", headers={"Cookie": held}).json()

    assert urlsplit(leaving.headers["location"]).netloc == urlsplit(provider.address).netloc
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/#/signed-in")
    assert {"__Host-access", "__Host-refresh"} <= names
    assert (me["id"], me["role"]) == ("ada@example.com", "admin")
    assert again.headers["location"] == "/#/sign-in-failed/not-proven"
