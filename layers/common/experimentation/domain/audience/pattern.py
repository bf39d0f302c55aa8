r"""Which regular expressions Python's `re` and RE2 read alike, so that every engine gives the same answer.

Left out is what they read differently or one of them does not have: \d, \w, \s and \b (Unicode or ASCII),
flags, references, lookaround, named groups, possessive and nested quantifiers, classes like [[:alpha:]].
"""

import re

LONGEST = 200  # characters; it bounds the nesting, too

_ESCAPE = r"\\[!-/:-@\[-`{-~nrtf]"
_IN_SET = rf"(?:(?!&&|~~|\|\|)[^\\\[\]^-]|{_ESCAPE})"
_TOKEN = re.compile(
    rf"""
    [^\\^$.|?*+()\[\]{{}}]                      # a character that means itself
    | {_ESCAPE}
    | \.
    | \^ | \$ | \|
    | \((?:\?:)?(?!\?) | \)
    | \[\^? (?:{_IN_SET}(?:-{_IN_SET})?)+ \]    # a set of characters and ranges
    | (?:[*+?] | \{{\d{{1,3}}(?:,\d{{0,3}})?\}}) \?? (?![*+?{{])
    """,
    re.VERBOSE,
)
_ADVICE = (
    (re.compile(r"\\[dDwWsSbB]"), "stands for other characters in other engines: write a set such as [0-9]"),
    (re.compile(r"\(\?"), "begins a flag, lookaround or named group, which not every engine has"),
)


def fault(pattern: str) -> str | None:
    r"""Return what in the pattern is not read alike, or is no pattern; None when it may be used.

    >>> fault("^(DE|AT)-[0-9]{4}$")
    >>> fault(r"^\d+$")
    'at character 2: \\d stands for other characters in other engines: write a set such as [0-9]'
    """
    if len(pattern) > LONGEST:
        return f"may have at most {LONGEST} characters"
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            return f"at character {position + 1}: {_advice(pattern, position)}"
        position = token.end()
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is no regular expression: {error.msg}"
    return None


def _advice(pattern: str, position: int) -> str:
    for sign, advice in _ADVICE:
        found = sign.match(pattern, position)
        if found is not None:
            return f"{found.group()} {advice}"
    return f"{pattern[position]} is not read alike by every engine: put \\ before it if it means itself"
