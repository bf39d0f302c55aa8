"""A DynamoDB table as it behaves between requests: items, locks, what is still seen of the past, and costs."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.expressions import Condition, Item, Names, apply, condition, update
from tests.simulation.faults import client_error
from tests.simulation.schedule import Schedule

MAX_ACTIONS = 100
MAX_TRANSACTION_BYTES = 4_000_000
MAX_ITEM_BYTES = 400_000
MAX_KEY_BYTES = (2_048, 1_024)
MAX_EXPRESSION_BYTES = 4_096
STALE_MS = 1_000

type Key = tuple[str, str]
type Answer = Callable[[object], None]


class Table:
    """The items, and the server's side of each operation: it answers later, through `answer`."""

    def __init__(self, schedule: Schedule, page_items: int) -> None:
        self.items: dict[Key, Item] = {}
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
        _refuse_unknown(
            request,
            "TableName KeyConditionExpression FilterExpression ExpressionAttributeNames "
            "ExpressionAttributeValues ExclusiveStartKey Limit ScanIndexForward",
        )
        given = _placeholders(request)
        chosen = condition(request["KeyConditionExpression"])
        kept = condition(request["FilterExpression"]) if "FilterExpression" in request else None
        _refuse_unused(given, chosen, kept)
        values = [value["S"] for value in given.values.values() if "S" in value]
        found: list[Item] = []
        for partition in values:
            for sort_key in sorted(self._partitions.get(partition, ())):
                item = self.read((partition, sort_key), chance)
                if item is not None and chosen.test(item, given):
                    found.append(item)
        backwards = not request.get("ScanIndexForward", True)
        found.sort(key=lambda item: item["SK"]["S"].encode(), reverse=backwards)
        if "ExclusiveStartKey" in request:
            start = request["ExclusiveStartKey"]["SK"]["S"].encode()
            found = [each for each in found if (each["SK"]["S"].encode() < start) is backwards]
            found = [each for each in found if each["SK"]["S"].encode() != start]
        size = min(request.get("Limit", self._page_items), self._page_items)
        page, rest = found[:size], found[size:]
        answer: dict[str, Any] = {"Items": [i for i in page if kept is None or kept.test(i, given)]}
        if rest:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("PK", "SK")}
        return answer

    def write(self, kind: str, request: dict[str, Any]) -> object:
        """PutItem, UpdateItem or DeleteItem: done, or the error."""
        key = _target(kind, request)
        if key in self._locks:
            return client_error(kind, "TransactionConflictException")
        if not self._holds(kind, request):
            return client_error(kind, "ConditionalCheckFailedException")
        self._apply(kind, request, transactional=False)
        return {}

    def transact(self, request: dict[str, Any], token: int, spurious: float, answer: Answer) -> None:
        """TransactWriteItems: lock and check every item, then apply them one after the other."""
        if token in self._tokens:
            done = self._tokens[token]
            answer({} if done else client_error("TransactWriteItems", "TransactionInProgressException"))
            return
        actions = [(kind, body) for action in request["TransactItems"] for kind, body in action.items()]
        error = self._invalid(actions)
        if error is not None:
            answer(error)
            return
        self._tokens[token] = False
        reasons = [self._reason(kind, body, token, spurious) for kind, body in actions]
        keys = [_target(kind, body) for kind, body in actions]
        self.costs["transactions"] += 1
        if set(reasons) != {"None"}:
            del self._tokens[token]
            for reason in set(reasons):
                self.costs[reason] += reason != "None"
            self._schedule.after(self._schedule.chance.uniform(0, 5), lambda: self._release(keys, token))
            answer(client_error("TransactWriteItems", "TransactionCanceledException", reasons))
            return
        halves: tuple[list[tuple[str, Any]], list[tuple[str, Any]]] = ([], [])
        for action in actions:
            halves[self._schedule.chance.random() < 0.5].append(action)

        def commit(half: Iterable[tuple[str, Any]], last: bool) -> None:
            for kind, body in half:
                self._apply(kind, body, transactional=True)
                self._locks.pop(_target(kind, body), None)
            if last:
                self._tokens[token] = True
                answer({})

        delay = self._schedule.chance.uniform(1, 6)
        self._schedule.after(delay, lambda: commit(halves[0], last=False))
        gap = self._schedule.chance.uniform(0, self._schedule.chance.choice([2, 2, 2, 30]))
        self._schedule.after(delay + gap, lambda: commit(halves[1], last=True))

    def _reason(self, kind: str, body: dict[str, Any], token: int, spurious: float) -> str:
        key = _target(kind, body)
        if key in self._locks:
            return "TransactionConflict"
        if spurious and self._schedule.chance.random() < spurious:
            return self._schedule.chance.choice(["ThrottlingError", "ProvisionedThroughputExceeded"])
        if not self._holds(kind, body):
            return "ConditionalCheckFailed"
        self._locks[key] = token
        return "None"

    def _release(self, keys: Iterable[Key], token: int) -> None:
        for key in keys:
            if self._locks.get(key) == token:
                del self._locks[key]

    def _invalid(self, actions: list[tuple[str, dict[str, Any]]]) -> object | None:
        keys = [_target(kind, body) for kind, body in actions]
        sizes = [item_bytes(body["Item"]) for kind, body in actions if kind == "Put"]
        expressions = [len(body.get("UpdateExpression", "")) for _, body in actions]
        if (
            not 0 < len(actions) <= MAX_ACTIONS
            or len(set(keys)) < len(keys)
            or any(len(key.encode()) > most for pair in keys for key, most in zip(pair, MAX_KEY_BYTES))
            or max(sizes, default=0) > MAX_ITEM_BYTES
            or sum(sizes) > MAX_TRANSACTION_BYTES
            or max(expressions) > MAX_EXPRESSION_BYTES
        ):
            return client_error("TransactWriteItems", "ValidationException")
        return None

    def _holds(self, kind: str, body: dict[str, Any]) -> bool:
        given, used = _placeholders(body), set[str]()
        test: Condition | None = None
        if "ConditionExpression" in body:
            test = condition(body["ConditionExpression"])
            used |= test.used
        if kind == "Update":
            used |= update(body["UpdateExpression"]).used
        if used != given.names.keys() | given.values.keys():
            raise ValueError(f"placeholders that are not used, or not given: {body}")
        return test is None or test.test(self.items.get(_target(kind, body), {}), given)

    def _apply(self, kind: str, body: dict[str, Any], transactional: bool) -> None:
        key = _target(kind, body)
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
        units = -(-size // 1024) * (2 if transactional else 1)
        self.costs["write units"] += units
        self.costs[
            f"write units of {key[1].split('#')[0] if key[0].startswith('USER') else key[0].split('#')[0]}"
        ] += units


def item_bytes(item: Item) -> int:
    """Return an item's size as DynamoDB counts it."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    if "S" in value:
        return len(value["S"].encode())
    return len(value["N"]) // 2 + 2 if "N" in value else 1


def key_of(key: Item) -> Key:
    if key.keys() != {"PK", "SK"}:
        raise ValueError(f"not a key of the table: {key}")
    return key["PK"]["S"], key["SK"]["S"]


def _target(kind: str, body: dict[str, Any]) -> Key:
    known = {
        "Put": "TableName Item ConditionExpression ExpressionAttributeValues ExpressionAttributeNames",
        "Update": "TableName Key UpdateExpression ConditionExpression ExpressionAttributeNames "
        "ExpressionAttributeValues",
        "Delete": "TableName Key ConditionExpression ExpressionAttributeNames ExpressionAttributeValues",
    }
    _refuse_unknown(body, known[kind])
    return key_of({name: body["Item"][name] for name in ("PK", "SK")} if kind == "Put" else body["Key"])


def _placeholders(body: dict[str, Any]) -> Names:
    return Names(body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {}))


def _refuse_unknown(body: dict[str, Any], known: str) -> None:
    if unknown := body.keys() - set(known.split()):
        raise ValueError(f"the model does not know {unknown}")


def _refuse_unused(given: Names, *conditions: Condition | None) -> None:
    used = frozenset[str]().union(*(each.used for each in conditions if each is not None))
    if used != given.names.keys() | given.values.keys():
        raise ValueError("placeholders that are not used, or not given")
