"""An emulator with the template's resources for the time of a measurement, and what fills it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from experimentation import settings
from experimentation.domain.clock import DAY_MS
from experimentation.domain.experiment import (
    MILLION,
    Experiment,
    Kind,
    Metric,
    Role,
    Segment,
    Status,
    Variant,
)
from experimentation.storage import experiments
from experimentation.storage.access import denials, sessions, signing_keys, token_keys
from experimentation.storage.aws import client
from experimentation.web import tokens
from local.emulator import Emulator
from local.paths import ROOT, TEMPLATE
from local.stack import resolve
from local.template import read_template


@contextmanager
def rig() -> Iterator[dict[str, str]]:
    """Start the emulator, make the template's resources, and be every function's environment meanwhile."""
    before = dict(os.environ)
    with TemporaryDirectory(prefix="bench-") as folder:
        emulator = Emulator(Path(folder))
        emulator.start()
        try:
            emulator.wait()
            environments = resolve(read_template(TEMPLATE), emulator.endpoint).environments.values()
            env = dict(emulator.environment)
            for environment in environments:
                env |= environment
            os.environ.update(env)
            _forget()
            yield env
        finally:
            emulator.stop()
            os.environ.clear()
            os.environ.update(before)
            _forget()


def _forget() -> None:
    """Another emulator has other secrets under the same names."""
    for module in (denials, signing_keys, token_keys):
        module.forget()
    client.reset()


def now() -> int:
    """Return the milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def bearer() -> str:
    """Return the Authorization header of a person who has just logged in."""
    return f"Bearer {tokens.issued(sessions.start('bench', 'epoch', now()), 'user', now())}"


def running(
    name: str, *, variants: int = 2, metrics: int = 1, segments: int = 0, days: int = 0, shards: int = 4
) -> Experiment:
    """Store and return an experiment that has been running for that many whole days.

    The metrics are on event types t0, t1, ...; the segments are called s0, s1, ... with the values a and b.
    """
    started = now() - days * DAY_MS - 60_000
    weights = [MILLION // variants] * variants
    weights[0] += MILLION - sum(weights)
    made = Experiment(
        id=name,
        name=name,
        variants=tuple(Variant(f"v{i}", weight, '{"color":"blue"}') for i, weight in enumerate(weights)),
        control="v0",
        salt=name,
        created_at=started,
        created_by="bench",
        updated_at=started,
        metrics=tuple(
            Metric(
                f"m{i}", f"t{i}", Kind.VALUE, role=Role.SECONDARY if i else Role.PRIMARY, declared_at=started
            )
            for i in range(metrics)
        ),
        segments=tuple(Segment(f"s{i}", ("a", "b")) for i in range(segments)),
        planned_users=20_000,
        status=Status.RUNNING,
        started_at=started,
        shards=shards,
    )
    experiments.create(made, "bench")
    return made


def request(sample: str, body: object = None, query: str = "", **path_parameters: str) -> dict[str, object]:
    """Return the event of API Gateway for an endpoint, from its sample under events/, as a fresh dict.

    The credential is a person's token.
    """
    event: dict[str, object] = json.loads((ROOT / "events" / f"{sample}.json").read_text())
    headers = dict(event["headers"])  # type: ignore[call-overload]
    headers.pop("x-api-key", None)
    headers["authorization"] = bearer()
    path = str(event["routeKey"]).partition(" ")[2].format(**path_parameters)
    event |= {"headers": headers, "rawPath": path, "rawQueryString": query, "pathParameters": path_parameters}
    if body is not None:
        event["body"] = json.dumps(body)
    return event


def data_table() -> str:
    """Return the name of the table that everything but access is in."""
    return settings.data_table()
