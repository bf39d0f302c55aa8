"""What an environment remembers is never used beyond its time, and never more than a thousand of it."""

from experimentation.storage.cached import MOST, Cached

NOW, AGE = 1_000_000, 10_000


def test_a_value_is_used_until_it_is_too_old() -> None:
    cached: Cached[str, str] = Cached(AGE)

    cached.keep("a", NOW, "value")

    assert cached.fresh("a", NOW + AGE - 1) == "value"
    assert cached.fresh("a", NOW + AGE) is None
    assert cached.last("a") == "value"
    assert cached.fresh("a", NOW + 2_000, max_age_ms=2_000) is None


def test_a_clock_that_is_set_back_makes_a_value_stale() -> None:
    cached: Cached[str, str] = Cached(AGE)

    cached.keep("a", NOW, "value")

    assert cached.fresh("a", NOW - 1) is None


def test_the_least_recently_used_goes_first() -> None:
    cached: Cached[int, int] = Cached(AGE)
    for number in range(MOST):
        cached.keep(number, NOW, number)
    cached.fresh(0, NOW)

    cached.keep(MOST, NOW, MOST)

    assert cached.fresh(0, NOW) == 0
    assert cached.fresh(1, NOW) is None


def test_a_change_does_not_make_a_value_younger() -> None:
    cached: Cached[str, int] = Cached(AGE)
    cached.keep("a", NOW, 1)

    cached.change("a", lambda known: known + 1)
    cached.change("b", lambda known: known + 1)

    assert cached.fresh("a", NOW) == 2
    assert cached.fresh("a", NOW + AGE) is None
    assert cached.last("b") is None


def test_what_is_dropped_or_cleared_is_not_known() -> None:
    cached: Cached[str, int] = Cached(AGE)
    for name in "ab":
        cached.keep(name, NOW, 1)

    cached.drop("a")
    assert (cached.last("a"), cached.last("b")) == (None, 1)

    cached.clear()
    assert cached.last("b") is None
