"""Counts an expression's operators and functions, of which DynamoDB takes 300.

The documentation counts `SET a = :b + :c + :d` as two operators. It does not say whether the `=` of an update
or a term of ADD is one; AWS's own sample of a long update counts a plain assignment as one. Here each counts,
which is the stricter reading: what passes here passes under either.
"""

import re
from functools import cache

_TOKEN = re.compile(r"[#:\w.\[\]]+|<=|>=|<>|[=<>+\-(),]")
_CLAUSES = {"SET", "ADD", "REMOVE", "DELETE"}
_TERMS = _CLAUSES - {"SET"}  # a term of SET has its `=`
_OPERATORS = {"=", "<>", "<", "<=", ">", ">=", "+", "-"}
_WORDS = {"AND", "OR", "NOT", "BETWEEN", "IN"}


@cache
def operators(expression: str) -> int:
    """Return how many operators and functions an expression has."""
    count, depth, clause, before = 0, 0, "", ""
    for token in _TOKEN.findall(expression):
        word = token.upper()
        if word in _CLAUSES and depth == 0:
            clause = word
            count += word in _TERMS
        elif token == "(":
            depth += 1
            count += bool(re.fullmatch(r"[a-z_]+", before))
        elif token == ")":
            depth -= 1
        elif token == "," and depth == 0:
            count += clause in _TERMS
        else:
            count += token in _OPERATORS or word in _WORDS
        before = token
    return count


@cache
def in_operands(expression: str) -> int:
    """Return the number of operands of the longest IN."""
    found = re.findall(r"\bIN\s*\(([^)]*)\)", expression, re.IGNORECASE)
    return max((each.count(",") + 1 for each in found), default=0)
