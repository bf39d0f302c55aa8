"""Count events through a proxy that refuses and forgets; print what happened, exit 1 if a count is wrong.

    python -m tests.faults --events 2000

5 % of the calls to DynamoDB are throttled, 2 % are carried out but never acknowledged. What is not counted is
delivered again, as SQS would; several processes work at once, and every batch is delivered to two of them.
"""

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experimentation.domain.counting.event import Event
from experimentation.storage import experiments
from experimentation.storage.aws import client
from experimentation.usecases.analysing import Question, find
from experimentation.usecases.assigning import assign
from experimentation.usecases.runtime import Runtime, wall_clock
from experimentation.usecases.verifying import differences
from local.emulator import Emulator, free_port
from local.paths import EMULATOR_PYTHON, TEMPLATE
from local.stack import resolve
from local.template import read_template
from tests.experiments import running
from tests.faults.worker import work_off

PROCESSES = 3
BATCH = 50
RULES = [
    {"service": "dynamodb", "probability": 0.05, "error": {"code": "ProvisionedThroughputExceededException"}},
    {"service": "dynamodb", "probability": 0.02, "response": {"abort_bytes": 1}},
]


@contextmanager
def emulator() -> Iterator[tuple[Emulator, dict[str, str]]]:
    """Run an emulator with the template's resources; yield it with what the functions' environment holds."""
    with tempfile.TemporaryDirectory() as folder:
        process = Emulator(Path(folder))
        process.start()
        try:
            process.wait()
            environment = dict(process.environment)
            for each in resolve(read_template(TEMPLATE), process.endpoint).environments.values():
                environment |= each
            yield process, environment
        finally:
            process.stop()


@contextmanager
def faults(upstream: str) -> Iterator[str]:
    """Run the proxy with its rules; yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [EMULATOR_PYTHON.with_name("microburst"), "--upstream", upstream, "--host", "127.0.0.1"]
    log = subprocess.DEVNULL
    with subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log) as process:
        try:
            _post_rules(address)
            yield address
        finally:
            process.terminate()


def _post_rules(address: str) -> None:
    request = urllib.request.Request(
        f"{address}/_microburst/rules", json.dumps(RULES).encode(), {"Content-Type": "application/json"}
    )
    for _ in range(100):
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the proxy did not start: run `make faults`")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Count events while the store throttles and forgets.")
    parser.add_argument("--events", type=int, default=2_000)
    number = parser.parse_args().events
    chance = random.Random(5)
    with emulator() as (process, environment), faults(process.endpoint) as address:
        os.environ |= environment
        client.reset()
        experiment = running("faults", wall_clock())
        runtime = Runtime()
        users = [f"u{n}" for n in range(max(20, number // 10))]
        for user in users:
            assign(experiment, user, {"country": chance.choice(["DE", "FR"])}, runtime)
        now = wall_clock()
        events = [Event(chance.choice(users), f"e{n}", "purchase", now, now, n % 977) for n in range(number)]
        batches = [events[start : start + BATCH] for start in range(0, number, BATCH)]
        shares = [batches[n::PROCESSES] + batches[(n + 1) % PROCESSES :: PROCESSES] for n in range(PROCESSES)]
        proxied = environment | {"AWS_ENDPOINT_URL": address}
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            work = [(proxied, share, seed) for seed, share in enumerate(shares)]
            seen = sum(pool.starmap(work_off, work), Counter())
        with urllib.request.urlopen(f"{address}/_microburst/stats", timeout=5) as answer:
            requests = json.load(answer)["requests"]
        question = Question(event_types=("purchase",))
        found = find(experiments.read("faults", consistent=True), question, wall_clock())
        counted = sum(arm.count for arm in found.analysis.metrics[0].variants.values())
        wrong = differences("faults", wall_clock())
    print(dict(seen))
    print(f"requests {requests['total']}, of which the proxy spoilt {requests['faulted']}")
    print(f"sent {number}, in the results {counted}, differing cells {len(wrong)}")
    return 0 if counted == number and not wrong and not seen["never counted"] else 1


if __name__ == "__main__":
    sys.exit(main())
