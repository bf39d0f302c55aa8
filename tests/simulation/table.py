"""A DynamoDB table as its clients meet it: items, locks, what is still seen of the past, and costs."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tests.aws_limits.limits import ITEM_BYTES
from tests.simulation.expressions import Condition, Item, Names, NotModelledError, apply, condition, update
from tests.simulation.faults import client_error
from tests.simulation.schedule import Schedule

STALE_MS = 1_000
PLACEHOLDERS = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
WRITE = {"TableName", "ConditionExpression", *PLACEHOLDERS}
KNOWN = {"Put": WRITE | {"Item"}, "Update": WRITE | {"Key", "UpdateExpression"}, "Delete": WRITE | {"Key"}}
QUERY = {
    "TableName",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
    "ExclusiveStartKey",
    "Limit",
    "ScanIndexForward",
    *PLACEHOLDERS,
}

type Key = tuple[str, str]
type Answer = Callable[[object], None]
type Action = tuple[str, dict[str, Any], Key]
"""Kind of write, its parameters, and the key of its item."""


class Table:
    """The items, and the server's side of each operation: a transaction answers later, through `answer`."""

    def __init__(self, schedule: Schedule, page_items: int) -> None:
        self.items: dict[Key, Item] = {}
        self.expired: dict[Key, Item] = {}
        self.costs: Counter[str] = Counter()
        self._schedule, self._page_items = schedule, page_items
        self._partitions: dict[str, set[str]] = {}
        self._before: dict[Key, tuple[float, Item | None]] = {}
        self._locks: dict[Key, int] = {}
        self._tokens: dict[int, bool] = {}

    def get(self, request: dict[str, Any], stale: float) -> dict[str, Any]:
        """GetItem."""
        item = self.read(key_of(request["Key"]), 0 if request.get("ConsistentRead") else stale)
        return {} if item is None else {"Item": item}

    def read(self, key: Key, stale: float = 0) -> Item | None:
        """Return an item; with the chance `stale`, what was there a moment ago."""
        if stale and key in self._before:
            changed_at, before = self._before[key]
            if self._schedule.now - changed_at < STALE_MS and self._schedule.chance.random() < stale:
                return before
        return self.items.get(key)

    def query(self, request: dict[str, Any], stale: float) -> dict[str, Any]:
        """Query: a page of one partition, as large as `Limit` or as the model's own limit."""
        request = dict(request)
        chance = 0.0 if request.pop("ConsistentRead", False) else stale
        _refuse_unknown(request, QUERY)
        given = _placeholders(request)
        chosen = condition(request["KeyConditionExpression"])
        kept = condition(request["FilterExpression"]) if "FilterExpression" in request else None
        _refuse_unused(given, chosen.used | (kept.used if kept else frozenset()))
        found: list[Item] = []
        for partition in [value["S"] for value in given.values.values() if "S" in value]:
            for sort_key in sorted(self._partitions.get(partition, ())):
                item = self.read((partition, sort_key), chance)
                if item is not None and chosen.test(item, given):
                    found.append(item)
        page, is_last = self._page(found, request)
        kept_items = [item for item in page if kept is None or kept.test(item, given)]
        if "ProjectionExpression" in request:
            wanted = request["ProjectionExpression"].split(", ")
            kept_items = [{name: item[name] for name in wanted if name in item} for item in kept_items]
        answer: dict[str, Any] = {"Items": kept_items}
        if not is_last:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("PK", "SK")}
        return answer

    def _page(self, found: list[Item], request: dict[str, Any]) -> tuple[list[Item], bool]:
        """Return the items of the page in order, and whether it is the last."""
        backwards = not request.get("ScanIndexForward", True)
        found.sort(key=_sort_bytes, reverse=backwards)
        if "ExclusiveStartKey" in request:
            start = _sort_bytes(request["ExclusiveStartKey"])
            found = [i for i in found if _sort_bytes(i) != start and (_sort_bytes(i) < start) is backwards]
        size = min(request.get("Limit", self._page_items), self._page_items)
        return found[:size], len(found) <= size

    def write(self, kind: str, request: dict[str, Any]) -> object:
        """PutItem, UpdateItem or DeleteItem: done, or the error."""
        action = _action(kind, request)
        if action[2] in self._locks:
            return client_error(kind, "TransactionConflictException")
        if not self._holds(action):
            return client_error(kind, "ConditionalCheckFailedException")
        self._apply(action, transactional=False)
        return {}

    def sweep(self, share: float) -> None:
        """Remove a share of what is past its time to live, as DynamoDB does within days."""
        now = self._schedule.now / 1000
        due = [
            key
            for key, item in self.items.items()
            if "expires_at" in item and int(item["expires_at"]["N"]) < now and key not in self._locks
        ]
        for key in due:
            if self._schedule.chance.random() < share:
                self.expired[key] = self.items.pop(key)
                self._partitions[key[0]].discard(key[1])

    def transact(self, request: dict[str, Any], token: int, spurious: float, answer: Answer) -> None:
        """TransactWriteItems: lock and check every item, then apply them, some before others."""
        if token in self._tokens:
            done = self._tokens[token]
            answer({} if done else client_error("TransactWriteItems", "TransactionInProgressException"))
            return
        actions = [_action(kind, body) for each in request["TransactItems"] for kind, body in each.items()]
        reasons = [self._reason(action, token, spurious) for action in actions]
        self.costs["transactions"] += 1
        if set(reasons) != {"None"}:
            for reason in set(reasons) - {"None"}:
                self.costs[reason] += 1
            keys = [key for _, _, key in actions]
            self._schedule.after(self._schedule.chance.uniform(0, 5), lambda: self._release(keys, token))
            answer(client_error("TransactWriteItems", "TransactionCanceledException", reasons))
            return
        self._tokens[token] = False
        self._commit_soon(actions, token, answer)

    def _commit_soon(self, actions: list[Action], token: int, answer: Answer) -> None:
        chance = self._schedule.chance
        halves: tuple[list[Action], list[Action]] = ([], [])
        for action in actions:
            halves[chance.random() < 0.5].append(action)

        def commit(half: Iterable[Action], last: bool) -> None:
            for action in half:
                self._apply(action, transactional=True)
                del self._locks[action[2]]
            if last:
                self._tokens[token] = True
                answer({})

        delay = chance.uniform(1, 6)
        gap = chance.uniform(0, chance.choice([1, 2, 10, 60]))
        self._schedule.after(delay, lambda: commit(halves[0], last=False))
        self._schedule.after(delay + gap, lambda: commit(halves[1], last=True))

    def _reason(self, action: Action, token: int, spurious: float) -> str:
        key = action[2]
        if key in self._locks:
            return "TransactionConflict"
        if spurious and self._schedule.chance.random() < spurious:
            return self._schedule.chance.choice(["ThrottlingError", "ProvisionedThroughputExceeded"])
        if not self._holds(action):
            return "ConditionalCheckFailed"
        self._locks[key] = token
        return "None"

    def _release(self, keys: Iterable[Key], token: int) -> None:
        for key in keys:
            if self._locks.get(key) == token:
                del self._locks[key]

    def _holds(self, action: Action) -> bool:
        kind, body, key = action
        given, used = _placeholders(body), frozenset[str]()
        test: Condition | None = None
        if "ConditionExpression" in body:
            test = condition(body["ConditionExpression"])
            used |= test.used
        if kind == "Update":
            used |= update(body["UpdateExpression"]).used
        _refuse_unused(given, used)
        return test is None or test.test(self.items.get(key, {}), given)

    def _apply(self, action: Action, transactional: bool) -> None:
        kind, body, key = action
        before = self.items.get(key)
        after: Item | None = None
        if kind == "Put":
            after = body["Item"]
        elif kind == "Update":
            after = apply(update(body["UpdateExpression"]), before or body["Key"], _placeholders(body))
        self._before[key] = self._schedule.now, before
        if after is None:
            self.items.pop(key, None)
            self._partitions.get(key[0], set()).discard(key[1])
        else:
            self.items[key] = after
            self._partitions.setdefault(key[0], set()).add(key[1])
        size = max(item_bytes(before or {}), item_bytes(after or {}), 1)
        if size > ITEM_BYTES:
            raise NotModelledError(f"an item of {size} bytes")
        units = -(-size // 1024) * (2 if transactional else 1)
        entity = key[1] if key[0].startswith("USER#") else key[0]
        self.costs["write units"] += units
        self.costs[f"write units of {entity.split('#')[0]}"] += units


def item_bytes(item: Item) -> int:
    """Return an item's size as DynamoDB counts it."""
    size = 0
    for name, value in item.items():
        size += len(name)
        if "S" in value:
            size += len(value["S"].encode())
        else:
            size += len(value["N"]) // 2 + 2 if "N" in value else 1
    return size


def key_of(key: Item) -> Key:
    """Return the key as a pair; refuse what is not the table's key."""
    if key.keys() != {"PK", "SK"}:
        raise ValueError(f"not a key of the table: {key}")
    return key["PK"]["S"], key["SK"]["S"]


def _action(kind: str, body: dict[str, Any]) -> Action:
    _refuse_unknown(body, KNOWN[kind])
    item = body["Item"] if kind == "Put" else body["Key"]
    return kind, body, key_of({name: item[name] for name in ("PK", "SK")} if kind == "Put" else item)


def _sort_bytes(item: Item) -> bytes:
    text: str = item["SK"]["S"]
    return text.encode()


def _placeholders(body: dict[str, Any]) -> Names:
    return Names(body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {}))


def _refuse_unknown(body: dict[str, Any], known: set[str]) -> None:
    if not body.keys() <= known:
        raise ValueError(f"the model does not know {body.keys() - known}")


def _refuse_unused(given: Names, used: frozenset[str]) -> None:
    if len(used) != len(given.names) + len(given.values) or used != given.names.keys() | given.values.keys():
        raise ValueError(f"placeholders that are not used, or not given: {given}, {used}")
