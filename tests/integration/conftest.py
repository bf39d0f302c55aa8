"""The emulator with the template's resources, and the environment that the functions would have."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from experimentation.storage.aws import client as clients
from local.emulator import Emulator
from local.paths import TEMPLATE
from local.resources import client
from local.stack import resolve
from local.template import read_template
from tests.conftest import forget


@dataclass(frozen=True, slots=True)
class Emulated:
    """A running emulator; `env` holds what all functions' environments hold together."""

    endpoint: str
    env: dict[str, str]
    process: Emulator

    def client(self, service: str) -> Any:
        """A plain boto3 client of the emulator."""
        return client(service, self.endpoint)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """An emulator of this test process, with the template's resources."""
    process = Emulator(tmp_path_factory.mktemp("emulator"))
    process.start()
    process.wait()
    resolved = resolve(read_template(TEMPLATE), process.endpoint)
    env = dict(process.environment)
    for environment in resolved.environments.values():
        env |= environment
    yield Emulated(process.endpoint, env, process)
    process.stop()


@pytest.fixture(scope="module", autouse=True)
def environment(emulator: Emulated) -> Iterator[None]:
    """While a module of this folder runs, our own clients reach the emulator."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in emulator.env.items():
            patch.setenv(name, value)
        clients.reset()  # those of other modules reach AWS in process
        forget()
        yield
    clients.reset()
    forget()
