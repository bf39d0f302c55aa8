"""What the function tests share: bcrypt as cheap as it goes."""

import pytest

from experimentation.usecases import passwords


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 4)
