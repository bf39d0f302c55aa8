r"""The regular expressions with the same meaning in Python's `re` and RE2, so that all engines agree.

Excluded is what differs or exists in one of them only: \d, \w, \s and \b (Unicode or ASCII), flags,
references, lookaround, named groups, possessive and nested quantifiers, classes like [[:alpha:]].
"""

import re

LONGEST = 200  # characters; this also bounds the nesting

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
    r"""Return why the pattern cannot be used; None when it can.

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
        match = sign.match(pattern, position)
        if match is not None:
            return f"{match.group()} {advice}"
    return f"{pattern[position]} is not read alike by every engine: put \\ before it if it means itself"
