"""DynamoDB's expressions, as far as the product sends them; anything else is refused loudly."""

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

type Item = dict[str, dict[str, Any]]
type Test = Callable[[Item, "Names"], bool]

_TOKEN = re.compile(r"\s*(#\w+|:\w+|\w+|<=|>=|<>|[=<>(),])")
_COMPARE = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class NotModelledError(BaseException):
    """The product sends something that this model does not know."""


class Names(NamedTuple):
    """What the placeholders of one request stand for."""

    names: Mapping[str, str]
    values: Mapping[str, dict[str, Any]]


class Condition(NamedTuple):
    """A parsed condition, and the placeholders that it uses."""

    test: Test
    used: frozenset[str]


class Change(NamedTuple):
    """A parsed update: what to set, and (attribute, value) pairs to add.

    What is set is an attribute and its value, and the attribute where it is set only if that is not there.
    """

    sets: tuple[tuple[str, str, str], ...]
    adds: tuple[tuple[str, str], ...]
    used: frozenset[str]


@cache
def condition(text: str) -> Condition:
    """Parse a condition, key condition or filter expression."""
    parser = _Parser(text)
    test = parser.either()
    parser.end()
    return Condition(test, parser.used)


@cache
def update(text: str) -> Change:
    """Parse an update expression of SET and ADD clauses."""
    parser = _Parser(text)
    sets: list[tuple[str, str, str]] = []
    adds: list[tuple[str, str]] = []
    while not parser.is_done():
        clause = parser.take()
        if clause not in {"SET", "ADD"}:
            raise NotModelledError(text)
        while True:
            name = parser.take()
            if clause == "SET":
                parser.expect("=")
                sets.append((name, *parser.set_value()))
            else:
                adds.append((name, parser.value()))
            if parser.peek() != ",":
                break
            parser.take()
    return Change(tuple(sets), tuple(adds), parser.used)


def apply(change: Change, item: Item, placeholders: Names) -> Item:
    """Return the item after the update."""
    after = dict(item)
    for name, value, unless in change.sets:
        if not unless or _attribute(unless, placeholders) not in item:
            after[_attribute(name, placeholders)] = placeholders.values[value]
    for name, value in change.adds:
        attribute = _attribute(name, placeholders)
        before = int(after[attribute]["N"]) if attribute in after else 0
        total = before + int(placeholders.values[value]["N"])
        if len(str(abs(total))) > 38:
            raise NotModelledError("a number of more than 38 digits")
        after[attribute] = {"N": str(total)}
    return after


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                raise NotModelledError(text)
            self._tokens.append(found[1])
            place = found.end()
        self._tokens.reverse()
        self.used = frozenset(token for token in self._tokens if token[0] in "#:")

    def is_done(self) -> bool:
        return not self._tokens

    def peek(self) -> str:
        return self._tokens[-1] if self._tokens else ""

    def take(self) -> str:
        if not self._tokens:
            raise NotModelledError(self._text)
        return self._tokens.pop()

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise NotModelledError(self._text)

    def end(self) -> None:
        if self._tokens:
            raise NotModelledError(self._text)

    def value(self) -> str:
        token = self.take()
        if not token.startswith(":"):
            raise NotModelledError(self._text)
        return token

    def set_value(self) -> tuple[str, str]:
        """Return a value, and the attribute that must not be there; that is the one that is set."""
        if self.peek() != "if_not_exists":
            return self.value(), ""
        self.take()
        self.expect("(")
        unless = self.take()
        self.expect(",")
        value = self.value()
        self.expect(")")
        return value, unless

    def either(self) -> Test:
        tests = [self._both()]
        while self.peek() == "OR":
            self.take()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda item, given: any(t(item, given) for t in tests)

    def _both(self) -> Test:
        tests = [self._term()]
        while self.peek() == "AND":
            self.take()
            tests.append(self._term())
        return tests[0] if len(tests) == 1 else lambda item, given: all(t(item, given) for t in tests)

    def _term(self) -> Test:
        name = self.take()
        if self.peek() == "(":
            return self._function(name)
        compare = _COMPARE.get(self.take())
        if compare is None:
            raise NotModelledError(self._text)
        value = self.value()
        return lambda item, given: _compared(compare, item.get(_attribute(name, given)), given.values[value])

    def _function(self, function: str) -> Test:
        self.expect("(")
        name = self.take()
        if function in {"attribute_exists", "attribute_not_exists"}:
            self.expect(")")
            wanted = function == "attribute_exists"
            return lambda item, given: (_attribute(name, given) in item) is wanted
        if function not in {"begins_with", "contains"}:
            raise NotModelledError(self._text)
        self.expect(",")
        value = self.value()
        self.expect(")")
        if function == "contains":
            return lambda item, given: given.values[value]["S"] in item[_attribute(name, given)]["S"]
        return lambda item, given: item[_attribute(name, given)]["S"].startswith(given.values[value]["S"])


def _attribute(name: str, given: Names) -> str:
    return given.names[name] if name.startswith("#") else name


def _compared(compare: Callable[[Any, Any], bool], have: dict[str, Any] | None, want: dict[str, Any]) -> bool:
    if have is None or have.keys() != want.keys():
        return False
    if "N" in have:
        return compare(Decimal(have["N"]), Decimal(want["N"]))
    kind = "BOOL" if "BOOL" in have else "S"
    return compare(have[kind], want[kind])
