"""Deliberate bugs in the counting protocol, each of which the tests must notice."""

from pathlib import Path
from typing import NamedTuple

PACKAGE = Path("layers/common/experimentation")


class Mutant(NamedTuple):
    """One bug: `old`, which stands once in `file` (below the package, or a function), becomes `new`."""

    name: str
    file: str
    says: str
    old: str
    new: str

    @property
    def path(self) -> Path:
        """The file from the root of the tree."""
        return Path(self.file) if self.file.startswith("functions/") else PACKAGE / self.file


MUTANTS = (
    Mutant(
        "accepted-too-old",
        "domain/counting/event.py",
        "an event that is too old is accepted",
        "        if at < oldest:",
        "        if at < 0:",
    ),
    Mutant(
        "accepted-unsent",
        "usecases/ingesting.py",
        "a batch is accepted although the topic refused a message",
        "        messages = _refused(messages)",
        "        messages = _refused(messages)[:0]",
    ),
    Mutant(
        "acknowledged-failures",
        "usecases/counting_messages.py",
        "messages whose events are not stored are acknowledged",
        "(event.user_id, event.event_id) in self.events.failed for event in message.events)",
        "(event.user_id, event.event_id) in self.events.failed for event in message.events[:0])",
    ),
    Mutant(
        "acknowledged-outage",
        "functions/workers/record_events.py",
        "a batch that met an outage is acknowledged",
        "        raise counted.outage",
        "        return set()",
    ),
    Mutant(
        "assigned-before-last-event",
        "domain/counting/ledger.py",
        "assigned_at ignores the last event",
        "    at = max(now, head.last + 1, latest)",
        "    at = max(now, latest)",
    ),
    Mutant(
        "boundary-one-late",
        "domain/counting/ledger.py",
        "an event at the very time of the assignment does not count",
        "    index = bisect_right(boundaries, at, key=_at)",
        "    index = bisect_right(boundaries, at - 1, key=_at)",
    ),
    Mutant(
        "changed-head-is-duplicate",
        "usecases/counting.py",
        "a head that changed makes its events duplicates",
        "if not isinstance(write, Event | Uncounted)}",
        "if pending.events.pop(write.user_id, None) is None}",
    ),
    Mutant(
        "compacted-while-needed",
        "domain/counting/compaction.py",
        "days that a living experiment owns become one cell",
        "ended_at.get(owned.experiment_id, before) >= before",
        "ended_at.get(owned.experiment_id, before) > before",
    ),
    Mutant(
        "compacted-while-looked-at",
        "domain/counting/compaction.py",
        "days that CUPED looks at become one cell",
        "    return day_number(min([before, *needed])) - MAX_CUPED_DAYS",
        "    return day_number(min([before, *needed]))",
    ),
    Mutant(
        "compacted-by-now",
        "domain/counting/compaction.py",
        "days that lead up to a living experiment become one cell once events of then cannot come any more",
        "    return day_number(min([before, *needed])) - MAX_CUPED_DAYS",
        "    return day_number(before) - MAX_CUPED_DAYS",
    ),
    Mutant(
        "history-a-day-long",
        "domain/counting/ledger.py",
        "CUPED looks back one day more",
        "        return k < self.start and day >= day_number(self.assigned_at) - days",
        "        return k < self.start and day >= day_number(self.assigned_at) - days - 1",
    ),
    Mutant(
        "history-a-day-short",
        "domain/counting/ledger.py",
        "CUPED looks back one day less",
        "        return k < self.start and day >= day_number(self.assigned_at) - days",
        "        return k < self.start and day > day_number(self.assigned_at) - days",
    ),
    Mutant(
        "covariate-product-forgotten",
        "domain/counting/counters.py",
        "a counted event is not multiplied with what came before",
        '        adds["xvy"] = total * event.value',
        '        adds["xvy"] = 0',
    ),
    Mutant(
        "decided-long-ago",
        "usecases/assigning.py",
        "an assignment is decided by what was known when the request came",
        "    return [known.get(experiment.id, experiment) for experiment in experiments]",
        "    return list(experiments)",
    ),
    Mutant(
        "declared-ahead",
        "domain/lifecycle.py",
        "what a draft declared by a clock that was ahead counts as declared after the start",
        "declared_at=min(each.declared_at, now)",
        "declared_at=each.declared_at",
    ),
    Mutant(
        "declared-before-start",
        "domain/changes.py",
        "a metric that is added while the experiment is started claims to be older",
        "max(now, experiment.started_at + 1)",
        "min(now, experiment.started_at)",
    ),
    Mutant(
        "device-clock-ignored",
        "domain/counting/event.py",
        "a device's wrong clock is not corrected",
        "received - sent_at",
        "0",
    ),
    Mutant(
        "duplicates-of-duplicates",
        "usecases/counting.py",
        "all events of a transaction with one duplicate are dropped",
        "    outcome.duplicates |= pending.settle(event_writes(refusal.failed))",
        """\
    outcome.duplicates |= pending.settle(event_writes(refusal.failed))
    for event in event_writes(refusal.failed):
        pending.events.pop(event.user_id, None)""",
    ),
    Mutant(
        "end-one-late",
        "domain/counting/ledger.py",
        "an event at the very end counts",
        "        head = insert(head, Boundary(0, max(at, head.last + 1), experiment_id, END))",
        "        head = insert(head, Boundary(0, max(at + 1, head.last + 1), experiment_id, END))",
    ),
    Mutant(
        "ends-at-once",
        "domain/lifecycle.py",
        "an experiment ends at once, before every environment knows",
        "COMPLETION_DELAY_MS = CACHE_TTL_MS + CLIENT_TIMEOUT_MS + CLOCK_SKEW_MS",
        "COMPLETION_DELAY_MS = 0",
    ),
    Mutant(
        "ends-not-applied",
        "domain/counting/recording.py",
        "events after the end of an experiment count",
        "    head = apply_ends(ledger.head, ended_at(experiments), until=events[-1].at)",
        "    head = ledger.head",
    ),
    Mutant(
        "enrolled-before-its-day",
        "domain/results/totals.py",
        "a window leaves out the users assigned on its last day",
        "for day, each in days.items() if last is None or day <= last)",
        "for day, each in days.items() if last is None or day < last)",
    ),
    Mutant(
        "event-expires-early",
        "storage/events.py",
        "an event expires before one of its id can no longer come",
        "    return (settings.retention_days() + GRACE_DAYS) * DAY_SECONDS",
        "    return settings.retention_days() * DAY_SECONDS",
    ),
    Mutant(
        "export-forgets-the-rest",
        "usecases/exporting.py",
        "a page that ends within a user's events is followed by the next user",
        "    if after is not None and after.event_id is not None:",
        "    if after is not None and after.event_id == '':",
    ),
    Mutant(
        "export-of-merged-totals",
        "usecases/exporting.py",
        "totals are exported that are merged with what came before them",
        "    if experiment.ended_at is not None and experiment.ended_at < kept_from:",
        "    if experiment.ended_at is not None and experiment.ended_at < 0:",
    ),
    Mutant(
        "from-the-future",
        "domain/counting/event.py",
        "an event may happen later than it was received",
        "min(timestamp + drift, received)",
        "timestamp + drift",
    ),
    Mutant(
        "group-for-plan",
        "usecases/counting.py",
        "events that did not fit the transaction are taken for counted",
        "        pending.settle(transaction.events())",
        "        pending.events.clear()",
    ),
    Mutant(
        "half-visible-ledger",
        "storage/users.py",
        "a ledger that a read does not find yet is taken for empty for good",
        "UNSEEN = Spilled(0, {})",
        "UNSEEN = Spilled(1, {})",
    ),
    Mutant(
        "label-not-encoded",
        "domain/counting/counters.py",
        "a segment's value stands in the key as it is",
        "={quote(known, safe='')}",
        "={known}",
    ),
    Mutant(
        "last-message-lost",
        "domain/packing.py",
        "the last message of a batch is not sent",
        "    if group:\n",
        "    if len(group) == most:\n",
    ),
    Mutant(
        "last-not-kept",
        "domain/counting/recording.py",
        "the head does not remember the latest event",
        "    head = replace(head, last=max(head.last, events[-1].at), ledgers=inline)",
        "    head = replace(head, last=head.last, ledgers=inline)",
    ),
    Mutant(
        "late-covariate-forgotten",
        "domain/counting/counters.py",
        "a late event from before the assignment is left out of CUPED",
        "        elif owned.looks_back_at(day_number(event.at), k, experiment.cuped_days):",
        "        elif k < 0:",
    ),
    Mutant(
        "late-covariate-of-any-day",
        "domain/counting/counters.py",
        "a late event from before the days that CUPED looks at is among them",
        "        elif owned.looks_back_at(day_number(event.at), k, experiment.cuped_days):",
        "        elif k < owned.start:",
    ),
    Mutant(
        "late-end-forgotten",
        "domain/counting/late.py",
        "who is enrolled into the past of an experiment that is over counts after its end",
        "    if experiment.ended_at is not None and experiment.ended_at <= after.head.last:",
        "    if experiment.ended_at is not None and experiment.ended_at < 0:",
    ),
    Mutant(
        "late-from-nothing",
        "domain/counting/late.py",
        "what a user did before an enrolment into the past is left out of its products",
        "        name: {cell: total for cell, total in each.items() if cell[1] < owned.start}",
        "        name: {cell: total for cell, total in each.items() if cell[1] < 0}",
    ),
    Mutant(
        "late-not-replayed",
        "domain/counting/late.py",
        "events that an enrolment into the past makes count are in the ledger alone",
        "        add_all(adds, added)",
        "        add_all(adds, {})",
    ),
    Mutant(
        "later-days-forgotten",
        "domain/counting/counters.py",
        "products with later days are not added",
        "        if other != day:",
        "        if other < day:",
    ),
    Mutant(
        "latest-forgotten",
        "domain/counting/recording.py",
        "a late event moves the latest event back",
        "    head = replace(head, last=max(head.last, events[-1].at), ledgers=inline)",
        "    head = replace(head, last=events[-1].at, ledgers=inline)",
    ),
    Mutant(
        "no-dedupe-condition",
        "storage/events.py",
        "an event is put without the condition that it is not there yet",
        "    return put_new(item)",
        '    return {"Put": {"TableName": settings.data_table(), "Item": item}}',
    ),
    Mutant(
        "no-ledger-version-check",
        "storage/users.py",
        "a ledger stored apart is written whatever its version",
        '    return put_if(item, "v", write.read_version) if write.read_version else put_new(item)',
        '    return {"Put": {"TableName": settings.data_table(), "Item": item}}',
    ),
    Mutant(
        "no-limit-of-actions",
        "domain/counting/writes.py",
        "a transaction may have any number of actions",
        "        return len(self) <= MAX_ACTIONS and all(",
        "        return len(self) > 0 and all(",
    ),
    Mutant(
        "no-version-check",
        "storage/users.py",
        "a head is written whatever its version",
        '    return put_if(item, "v", base + read_version) if read_version else put_new(item)',
        '    return {"Put": {"TableName": settings.data_table(), "Item": item}}',
    ),
    Mutant(
        "not-renumbered",
        "domain/counting/ledger.py",
        "boundaries after an import keep their ordinals",
        "    renumbered = tuple(each._replace(k=head.kmax + 1 + n) for n, each in enumerate(later))",
        "    renumbered = (boundary._replace(k=head.kmax + 1), *later[1:])",
    ),
    Mutant(
        "pair-not-split",
        "domain/counting/counters.py",
        "a day between two active days leaves their pair",
        '        adds[f"p{before}.{after}"] = -1',
        '        adds[f"p{before}.{after}"] = 0',
    ),
    Mutant(
        "past-not-read",
        "usecases/counting.py",
        "an old event does not see the boundaries that were put away",
        "            past=_needs_past(heads[user_id], user_events, keep_after),",
        "            past=False,",
    ),
    Mutant(
        "past-not-written",
        "domain/counting/user.py",
        "boundaries put away are not kept",
        "    if after.past != before.ledger.past:",
        "    if after.past == before.ledger.past == ():",
    ),
    Mutant(
        "past-ordinal-forgotten",
        "domain/counting/ledger.py",
        "events after boundaries put away fall into older cells",
        "    return replace(head, boundaries=kept, past_until=until, past_k=k), merged",
        "    return replace(head, boundaries=kept, past_until=until), merged",
    ),
    Mutant(
        "past-overwritten",
        "domain/counting/recording.py",
        "experiments are put away although the past was not read",
        "    if not is_over(ledger.head, keep_after):",
        "    if not is_over(head, keep_after):",
    ),
    Mutant(
        "retention-reaches-back",
        "domain/counting/retention.py",
        "a retention that is raised accepts what was counted under the shorter one",
        "    return Retention(days, now + DEPLOYED_WITHIN_MS, now - retention.oldest_accepted(now))",
        "    return Retention(days)",
    ),
    Mutant(
        "rollups-outside",
        "storage/writing.py",
        "rollups are written after the transaction",
        "        transactions.commit([_action(each, shards, now) for each in writes])",
        """\
        transactions.commit([_action(each, shards, now) for each in transaction.writes])
        for each in writes[len(transaction.writes) :]:
            transactions.commit([_action(each, shards, now)])""",
    ),
    Mutant(
        "seal-reads-late",
        "usecases/sealing.py",
        "sealing reads what is sealed after what is open",
        """\
        sealed = {cell.key: cell for cell in rollups.read(target, consistent=True)}
        open_cells = _by_key(shards, last_day)""",
        """\
        open_cells = _by_key(shards, last_day)
        sealed = {cell.key: cell for cell in rollups.read(target, consistent=True)}""",
    ),
    Mutant(
        "seal-unconditional",
        "storage/rollups.py",
        "sealing deletes what was written meanwhile",
        """\
            "ConditionExpression": "w = :read",
            "ExpressionAttributeValues": {":read": {"N": str(cell.writes)}},""",
        "",
    ),
    Mutant(
        "sealed-over",
        "usecases/sealing.py",
        "sealing replaces what was sealed before",
        "    cells = [cell for _, cell in key.shards] + ([key.sealed] if key.sealed else [])",
        "    cells = [cell for _, cell in key.shards] + []",
    ),
    Mutant(
        "sealed-read-first",
        "storage/rollups.py",
        "results miss what is sealed while they are read",
        """\
        found = _side_by_side(pool, [each for each in slices if not each.is_sealed], consistent=consistent)
        found |= _side_by_side(pool, [each for each in slices if each.is_sealed], consistent=True)""",
        """\
        found = _side_by_side(pool, [each for each in slices if each.is_sealed], consistent=True)
        found |= _side_by_side(
            pool, [each for each in slices if not each.is_sealed], consistent=consistent
        )""",
    ),
    Mutant(
        "sealed-while-read",
        "storage/rollups.py",
        "results believe open and sealed counters that a run moved between the reads",
        "        moved = [sealed for sealed in moved if after[sealed] != settled[sealed]]",
        "        moved = []",
    ),
    Mutant(
        "segments-forgotten",
        "domain/counting/counters.py",
        "events count for everyone, not for segments",
        "        for segment in owned.labels",
        "        for segment in owned.labels[1:]",
    ),
    Mutant(
        "shard-too-many",
        "usecases/runtime.py",
        "counters are written to a shard that nobody reads",
        "        return int(self.draw * among)",
        "        return int(self.draw * (among + 1))",
    ),
    Mutant(
        "split-by-day",
        "domain/counting/late.py",
        "a late enrolment owns its whole first day",
        "self.first if event.at >= self.at else self.split",
        "self.first",
    ),
    Mutant(
        "erased-at-once",
        "usecases/erasing.py",
        "HEAD goes while somebody may have read that nobody was ever erased",
        "    if runtime.clock() >= erasure.erased_at + HEAD_STAYS_MS:",
        "    if runtime.clock() >= erasure.erased_at:",
    ),
    Mutant(
        "erased-come-back",
        "usecases/counting.py",
        "what was received before an erasure is counted after it",
        "    erased = [event for event in group if event.received <= loaded[event.user_id].head.erased_at]",
        "    erased: list[Event] = []",
    ),
    Mutant(
        "erased-counted-again",
        "usecases/erasing.py",
        "an erasure that goes on keeps again what it kept before",
        "    for group in groups(writes, erasure.after, MOST):",
        '    for group in groups(writes, "", MOST):',
    ),
    Mutant(
        "erased-without-enrolment",
        "domain/counting/erasing.py",
        "that an erased user was enrolled is not kept",
        "    yield from enrolment_writes(adds)",
        "    yield from enrolment_writes({})",
    ),
    Mutant(
        "square-without-cross-term",
        "domain/counting/counters.py",
        "a second event of a day adds only its own square",
        '    adds[f"q{day}"] = 2 * value * today.total + value * value',
        '    adds[f"q{day}"] = value * value',
    ),
    Mutant(
        "stale-cache",
        "storage/cached.py",
        "an environment goes by experiments of a minute ago",
        "not 0 <= now - read_at < limit:",
        "not 0 <= now - read_at < 12 * limit:",
    ),
    Mutant(
        "traffic-as-variant",
        "domain/bucketing.py",
        "one draw decides about traffic and variant",
        "    return variant_at(bucket(unit_hash(salt, VARIANT, user_id)), weights)",
        "    return variant_at(bucket(unit_hash(salt, TRAFFIC, user_id)), weights)",
    ),
    Mutant(
        "traffic-differs",
        "usecases/verifying.py",
        "verify takes what is counted while it reads for a difference",
        "        if not min(first, last) <= wanted <= max(first, last):",
        "        if wanted != last:",
    ),
    Mutant(
        "unguarded-covariates",
        "domain/counting/user.py",
        "ledgers of another moment than the head are looked into",
        "        return any(self.head.spilled[name] != version for name, version in self.versions.items())",
        "        return False",
    ),
    Mutant(
        "unknown-is-done",
        "usecases/counting.py",
        "a lost answer is taken for success",
        "            pending.note_attempt(attempted)",
        "            pending.settle(event for event in group if event.user_id in attempted)",
    ),
    Mutant(
        "unprocessed-forgotten",
        "storage/aws/batch_read.py",
        "keys that BatchGetItem left are taken for absent",
        "        keys = [dict(key) for key in unread] + keys[BATCH_GET_LIMIT:]",
        "        keys = keys[BATCH_GET_LIMIT:]",
    ),
    Mutant(
        "wrong-neighbour",
        "domain/counting/counters.py",
        "a late event does not see the next active day",
        "    after = min((each for each in days if each > day), default=None)",
        "    after = None",
    ),
    Mutant(
        "crossover-counted-again",
        "domain/counting/exposing.py",
        "a crossover is counted without its marker",
        "Transaction((head, crossover), enrolments",
        "Transaction((head,), enrolments",
    ),
    Mutant(
        "crossover-not-kept",
        "usecases/erasing.py",
        "what an erased user's crossover counted is not kept",
        "    return [*removals, *_kept(enrolment_writes(adds), found, now)]",
        "    return removals",
    ),
    Mutant(
        "exposed-anywhere",
        "domain/counting/exposing.py",
        "an exposure counts although the experiment did not run",
        "    if not experiment.was_running(exposure.at):",
        "    if experiment.started_at is None:",
    ),
    Mutant(
        "exposed-by-the-latest",
        "domain/counting/exposing.py",
        "the latest exposure of a batch enrols",
        "    for each in sorted(dict.fromkeys(exposures), key=lambda exposure: exposure.at):",
        "    for each in sorted(dict.fromkeys(exposures), key=lambda exposure: -exposure.at):",
    ),
    Mutant(
        "exposed-enrol-at-once",
        "domain/counting/answering.py",
        "an answer enrols although users count from exposure",
        "        elif each.experiment.count_from is CountFrom.EXPOSURE:",
        "        elif each.experiment.id in decided:",
    ),
    Mutant(
        "exposed-in-any-variant",
        "domain/counting/exposing.py",
        "an exposure to another variant enrols",
        "    if variant != own:",
        "    if variant != own and stored:",
    ),
    Mutant(
        "exposed-without-room",
        "domain/counting/exposing.py",
        "who has no room for the experiment crosses over",
        "too_many:\n            return Fate.TOO_MANY, None",
        "too_many and not drawn:\n            return Fate.TOO_MANY, None",
    ),
    Mutant(
        "late-not-counted",
        "domain/counting/counters.py",
        "a late enrolment is not counted as late",
        "    if late:\n        adds",
        "    if late and not adds:\n        adds",
    ),
    Mutant(
        "sealing-not-told",
        "usecases/sealing.py",
        "a run that seals is told only after its first transaction",
        "        run = run or sealing_runs.begin(experiment.id, now)\n        sealed[_seal(key)] += 1",
        "        sealed[_seal(key)] += 1\n        run = run or sealing_runs.begin(experiment.id, now)",
    ),
)
