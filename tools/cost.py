"""Print what the platform costs in dollars, from measured units and one dated table of prices.

    python -m tools.cost            prints the tables of docs/cost.md
    python -m tools.cost --write    puts them into docs/cost.md

Units and CPU are those of benchmarks/measured.json (`make bench`), prices those of tools/prices.json.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRICES, MEASURED, PAGE = ROOT / "tools/prices.json", ROOT / "benchmarks/measured.json", ROOT / "docs/cost.md"
BEGIN, END = "<!-- tools/cost.py begins -->", "<!-- tools/cost.py ends -->"

MEMORY_GIGABYTES = 0.5  # template.yaml, MemorySize
PROCESSOR_SHARE = 512 / 1769  # Lambda gives a whole processor at 1,769 MB
READ_WAIT_MS, WRITE_WAIT_MS, PUBLISH_WAIT_MS = 4, 10, 15  # round trips inside a region
LOG_BYTES = 1_250  # a request's line, its metrics, the access log; Lambda's own lines are off
EVENTS_AN_OBJECT = 100  # of the archive
EVENT_BYTES, USER_BYTES, ARCHIVED_BYTES = 350, 900, 80  # stored, with DynamoDB's 100 bytes an item
EVENT_MONTHS = 4  # retention and grace
MONTHS = 12  # a user's items and the archive stay: the bill is the one after a year
CHUNK_BYTES, SENT_BYTES = 65_536, 300  # SNS and SQS bill by the chunk; an event in a message
INIT_SECONDS = 1.0  # of a cold start, billed since August 2025
SHARDS_OF_LARGE = 64
ALARM_METRICS, CUSTOM_METRICS, SECRETS, DASHBOARDS = 27, 18, 2, 1
POLLS_A_MONTH = 5 * 3 * 60 * 24 * 30  # five pollers an idle queue, 20 s each
QUEUES = 2
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """What one operation takes of each service."""

    gateway: float = 0
    invocations: float = 0
    cpu_ms: float = 0
    wait_ms: float = 0
    reads: float = 0
    writes: float = 0
    publishes: float = 0
    queue_requests: float = 0
    puts: float = 0

    def times(self, share: float) -> "Use":
        """Return so much of it."""
        return Use(*(getattr(self, name) * share for name in self.__slots__))

    def plus(self, other: "Use") -> "Use":
        """Return both together."""
        return Use(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def dollars(use: Use, price: Mapping[str, float]) -> float:
    """Return what a million of these operations cost."""
    seconds = (use.cpu_ms / PROCESSOR_SHARE + use.wait_ms) / 1000
    return (
        use.gateway * price["million_http_api_requests"]
        + use.invocations * price["million_lambda_requests"]
        + seconds * MEMORY_GIGABYTES * price["million_lambda_gigabyte_seconds_x86"]
        + use.reads * price["million_dynamodb_read_units"]
        + use.writes * price["million_dynamodb_write_units"]
        + use.publishes * price["million_sns_publishes"]
        + use.queue_requests * price["million_sqs_requests"]
        + use.puts * price["million_s3_puts"]
        + use.invocations * LOG_BYTES / 1000 * price["log_gigabyte"]
    )


def operations(measured: Mapping[str, float]) -> dict[str, Use]:
    """Return what each operation takes, by its name."""

    def call(cpu: str, units: str, wait_ms: float) -> Use:
        reads, writes = measured[f"{units}.reads"], measured[f"{units}.writes"]
        return Use(1, 1, measured[f"{cpu}.cpu_ms"], wait_ms, reads, writes)

    return {
        "new assignment": call("new", "new assignment", READ_WAIT_MS + WRITE_WAIT_MS),
        "repeat assignment": call("repeat", "repeat assignment", READ_WAIT_MS),
        "decision over 20 experiments, repeated": call(
            "bulk_repeat", "repeat decision over 20 experiments", READ_WAIT_MS
        ),
        "event, sent and counted alone": event(measured, sent_with=1, counted_with=1),
        "event, sent with 9 others, counted with 4": event(measured, sent_with=10, counted_with=5),
        "event, sent with 99 others, counted with 24": event(measured, sent_with=100, counted_with=25),
        "results call, 30 days, 2 variants, sealed": Use(
            1, 1, measured["results.cpu_ms"], 3 * READ_WAIT_MS, measured["results.reads"] + 1
        ),
        "the same of an experiment with 64 shards": Use(
            1, 1, measured["results.cpu_ms"], 17 * READ_WAIT_MS, (SHARDS_OF_LARGE + 1) * 2 * 0.5 + 1
        ),
    }


def event(measured: Mapping[str, float], sent_with: int, counted_with: int) -> Use:
    """Return what one event takes from the call to the archive."""
    one, hundred = measured["record.cpu_ms"], measured["record_batch_100.cpu_ms"]
    chunks = ceil(sent_with * SENT_BYTES / CHUNK_BYTES)
    sending = Use(1, 1, one + (hundred - one) * (sent_with - 1) / 99, PUBLISH_WAIT_MS, publishes=chunks)
    # Each message is put into two queues and, ten at a time where there are ten, received and deleted.
    handling = 1 if sent_with == 1 else 0.1
    sending = sending.plus(Use(queue_requests=QUEUES * (chunks + (1 + chunks) * handling)))
    alone, full = measured["worker_1.cpu_ms"], measured["worker_25.cpu_ms"]
    counting = Use(
        invocations=1,
        cpu_ms=alone + (full - alone) * (counted_with - 1) / 24,
        wait_ms=READ_WAIT_MS + WRITE_WAIT_MS,
        reads=measured[f"event_reads.{counted_with}"] * counted_with,
        writes=measured[f"event_writes.{counted_with}"] * counted_with,
    )
    objects = Use(invocations=1, cpu_ms=alone, wait_ms=WRITE_WAIT_MS, puts=1)
    parts = (sending, sent_with), (counting, counted_with), (objects, min(EVENTS_AN_OBJECT, sent_with))
    total = Use()
    for use, events in parts:
        total = total.plus(use.times(1 / events))
    return total


def idle(price: Mapping[str, float]) -> dict[str, float]:
    """Return what a month costs while nobody calls."""
    return {
        f"{ALARM_METRICS} metrics that alarms watch": ALARM_METRICS * price["alarm_metric_month"],
        f"{DASHBOARDS} dashboard": DASHBOARDS * price["dashboard_month"],
        f"{SECRETS} secrets": SECRETS * price["secret_month"],
        f"{QUEUES} queues polled by their workers": (
            QUEUES * POLLS_A_MONTH / MILLION * price["million_sqs_requests"]
        ),
    }


def month(events: int, measured: Mapping[str, float], price: Mapping[str, float]) -> dict[str, float]:
    """Return the parts of a month's bill: 10 new and 40 repeat assignments per 100 events."""
    cost = {name: dollars(use, price) / MILLION for name, use in operations(measured).items()}
    size = (
        "event, sent and counted alone"
        if events < 100_000
        else "event, sent with 9 others, counted with 4"
        if events < 10_000_000
        else "event, sent with 99 others, counted with 24"
    )
    users = events / 10
    table_gigabytes = (events * EVENT_BYTES * EVENT_MONTHS + users * USER_BYTES * MONTHS) / 1e9
    cold_share = 0.5 if events < 100_000 else 0.01 if events < 10_000_000 else 0.001
    calls = 5 * users + events / (1 if events < 100_000 else 10 if events < 10_000_000 else 100)
    return {
        "assignments": users * cost["new assignment"] + 4 * users * cost["repeat assignment"],
        "events": events * cost[size],
        "results, 3,000 calls": 3_000 * cost["results call, 30 days, 2 variants, sealed"],
        "cold starts": dollars(Use(wait_ms=INIT_SECONDS * 1000), price) / MILLION * calls * cold_share,
        "stored bytes, after a year": table_gigabytes
        * (price["dynamodb_gigabyte_month"] + price["dynamodb_recovery_gigabyte_month"])
        + events * ARCHIVED_BYTES * MONTHS / 1e9 * price["s3_gigabyte_month"],
        "custom metrics": CUSTOM_METRICS * price["custom_metric_month"],
        "idle": sum(idle(price).values()),
    }


def tables() -> str:
    """Return the tables of docs/cost.md."""
    price, measured = json.loads(PRICES.read_text()), json.loads(MEASURED.read_text())
    lines = [f"Prices: {price['region']}, {price['taken']}. {price['note']}", ""]
    lines += [
        "| a million of | dollars | of it write units | of it Lambda's time |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, use in operations(measured).items():
        writing = use.writes * price["million_dynamodb_write_units"]
        running = dollars(Use(cpu_ms=use.cpu_ms, wait_ms=use.wait_ms), price)
        lines.append(f"| {name} | {dollars(use, price):.2f} | {writing:.2f} | {running:.2f} |")
    months = {events: month(events, measured, price) for events in (10_000, MILLION, 100 * MILLION)}
    lines += [
        "",
        "| a month with | 10 k events | 1 M events | 100 M events |",
        "| --- | ---: | ---: | ---: |",
    ]
    for part in next(iter(months.values())):
        lines.append(f"| {part} | {' | '.join(f'{each[part]:,.2f}' for each in months.values())} |")
    lines.append(f"| **all** | {' | '.join(f'**{sum(each.values()):,.2f}**' for each in months.values())} |")
    lines += ["", "| a month idle | dollars |", "| --- | ---: |"]
    lines += [f"| {part} | {cost:.2f} |" for part, cost in idle(price).items()]
    lines.append(f"| **all** | **{sum(idle(price).values()):.2f}** |")
    return "\n".join(lines)


def write() -> None:
    """Put the tables into docs/cost.md."""
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{tables()}\n{END}{rest.split(END)[1]}")


def main() -> int:
    """Print, or write."""
    parser = argparse.ArgumentParser(description="What the platform costs in dollars.")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/cost.md")
    if parser.parse_args().write:
        write()
    else:
        print(tables())
    return 0


if __name__ == "__main__":
    sys.exit(main())
