"""Forgery: of many thousand tokens that differ from a good one, none gets in, and none is a fault."""

import base64
import binascii
import json
import random
import string
from collections import Counter
from collections.abc import Iterator

import pytest

from functions.auth import me, refresh
from tests.conftest import bearer
from tests.factory import Context, event
from tests.functions.callers import log_in

TRIES = 20_000
TAG = 36
URL_SAFE = string.ascii_letters + string.digits + "-_"
EDITS = {
    "role": ["admin", "root", None, ["admin"]],
    "sub": ["admin", "", 7],
    "exp": [10**12, -1, "9", 1e308],
    "scope": ["admin", "", None],
    "sid": ["0" * 32, None],
    "auth_time": [10**12, 0],
    "alg": ["none", "None", "HS256", "EdDSA ", "ES256", ["EdDSA"], None],
    "kid": ["", None, "../keys", 7],
    "typ": ["JWT", None, "AT+JWT"],
}


def _mutated(token: str, drawn: random.Random) -> Iterator[str]:
    """Yield tokens that differ: a character, a bit, a part, a claim, the order, the length."""
    header, payload, signature = token.split(".")
    while True:
        at = drawn.randrange(len(token))
        yield token[:at] + drawn.choice(URL_SAFE + ".=+/ \x00é") + token[at + 1 :]
        yield token[:at] + token[at + drawn.randint(1, 5) :]
        yield token[:at] + drawn.choice(URL_SAFE) + token[at:]
        raw = bytearray(_decoded(signature))
        raw[drawn.randrange(len(raw))] ^= 1 << drawn.randrange(8)
        yield f"{header}.{payload}.{_encoded(bytes(raw))}"
        yield f"{header}.{payload}.{_encoded(drawn.randbytes(drawn.choice((0, 1, 63, 64, 65))))}"
        yield f"{_edited(header, drawn)}.{_edited(payload, drawn)}.{signature}"
        yield f"{_edited(header, drawn)}.{payload}.{drawn.choice((signature, ''))}"
        yield ".".join(drawn.sample([header, payload, signature], drawn.randint(1, 3)))


def _edited(part: str, drawn: random.Random) -> str:
    claims = json.loads(_decoded(part))
    name = drawn.choice(list(EDITS))
    return _encoded(json.dumps(claims | {name: drawn.choice(EDITS[name])}).encode())


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _same(token: str, good: str) -> bool:
    """Tell whether a token says the same bytes: base64 has spare bits that no signature needs."""
    try:
        return [_decoded(part) for part in token.split(".")] == [_decoded(part) for part in good.split(".")]
    except (binascii.Error, ValueError):
        return False


@pytest.mark.heavy
@pytest.mark.usefixtures("aws")
def test_no_forged_access_token_gets_in() -> None:
    good = bearer("ursula", "user")["Authorization"].removeprefix("Bearer ")
    tries = _mutated(good, random.Random(2026))
    statuses: Counter[int] = Counter()
    for _ in range(TRIES):
        token = next(each for each in tries if not _same(each, good))
        made = event("GET", "/auth/me", headers={"Authorization": f"Bearer {token}"})
        status = me.handler(made, Context())["statusCode"]
        assert status == 401, token
        statuses[status] += 1

    assert statuses == {401: TRIES}
    assert (
        me.handler(event("GET", "/auth/me", headers={"Authorization": f"Bearer {good}"}))["statusCode"] == 200
    )


@pytest.mark.heavy
@pytest.mark.usefixtures("aws")
def test_no_forged_refresh_token_gets_in_or_ends_the_session() -> None:
    good = str(log_in().json["refresh_token"])
    drawn = random.Random(2026)
    statuses: Counter[int] = Counter()
    for _ in range(TRIES // 10):
        at = drawn.randrange(len(good) - TAG)  # who has the secret needs no tag
        token = good[:at] + drawn.choice("0123456789abcdef_g") + good[at + drawn.randint(0, 2) :]
        if token == good:
            continue
        made = event("POST", "/auth/refresh", {"refresh_token": token})
        status = refresh.handler(made, Context())["statusCode"]
        assert status == 401, (token, good)
        statuses[status] += 1

    assert statuses.total() > TRIES // 20
    made = event("POST", "/auth/refresh", {"refresh_token": good})
    assert refresh.handler(made, Context())["statusCode"] == 200
