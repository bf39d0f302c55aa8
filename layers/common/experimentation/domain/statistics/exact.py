"""An exact test of two conversion rates, valid at any counts and on any day: how are the converters split?"""

from math import exp, inf, log
from typing import NamedTuple

from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.proportions import Rate
from experimentation.domain.statistics.special import stirling_error

CONCENTRATION = 20.0
_MAX_LOG_RATIO = 60.0  # an interval that reaches further counts as unbounded
_STEPS = 80  # of a bisection: more than a double has bits


class ExactTest(NamedTuple):
    """Two rates, both of some users, and the odds of the weights, w_T / w_C.

    With equal rates each converter's arm is a draw from the weights, so the Dirichlet-multinomial test on
    converters is valid at every look and any count. Under a ratio of rates r the odds are r w_T / w_C: the
    ratios that the test does not reject are an interval which holds at every look.

    Source: Lindon and Malek, arXiv 2011.03567, with concentration 20 (STATISTICS 3).

    >>> test = ExactTest(Rate(2000, 5), Rate(2000, 120), 1.0)
    >>> f"{test.p_value:.1e}", [round(limit, 1) for limit in test.ratio(0.05)]
    ('3.3e-23', [7.7, 187.6])
    """

    control: Rate
    treatment: Rate
    odds: float

    @property
    def method(self) -> str:
        """Return the name of the test."""
        return "exact"

    @property
    def p_value(self) -> float:
        """Return the p-value of equal rates."""
        return self._p_value(0.0)

    def ratio(self, level: float) -> Interval:
        """Return the ratios of rates (treatment over control) whose p-value is at least `level`."""
        estimate = max(-_MAX_LOG_RATIO, min(_MAX_LOG_RATIO, self._log_ratio))
        # The p-value is highest at the estimate and falls on either side of it.
        low = self._edge(level, min(0.0, estimate), -1)
        high = self._edge(level, max(0.0, estimate), 1)
        if self._p_value(0.0) < level:
            inner = self._between(level, rejected=0.0, accepted=estimate)
            low, high = (inner, high) if estimate > 0 else (low, inner)
        return Interval(0.0 if low is None else exp(low), inf if high is None else exp(high))

    def interval(self, level: float) -> Interval:
        """Return the differences that the ratios allow, at any rate of both arms together that is plausible.

        The test itself looks only at how the converters are split. How many there are is random as well, and
        bounded by the same mixture at the same level.
        """
        low, high = self.ratio(level)
        least, most = self._rate_of_both(level)
        return Interval(
            max(-1.0, self._difference_at(low, most if low < 1 else least)),
            min(1.0, self._difference_at(high, most if high > 1 else least)),
        )

    def lift_interval(self, level: float) -> Interval | None:
        """Return the ratios as lifts; None where no upper limit exists."""
        low, high = self.ratio(level)
        return None if high == inf else Interval(low - 1, high - 1)

    @property
    def _log_ratio(self) -> float:
        """Return the log of the measured ratio of rates, infinite where one arm has no conversions."""
        control, treated = self.control.conversions, self.treatment.conversions
        if control and treated:
            return log(treated / control / self.odds)
        return inf if treated else -inf

    @property
    def _users(self) -> int:
        return self.control.n + self.treatment.n

    @property
    def _conversions(self) -> int:
        return self.control.conversions + self.treatment.conversions

    def _rate_of_both(self, level: float) -> Interval:
        """Return the rates of both arms together whose p-value is at least `level`, by their odds."""
        others = Rate(self._users, self._users - self._conversions)
        low, high = ExactTest(others, Rate(self._users, self._conversions), 1.0).ratio(level)
        return Interval(low / (1 + low), 1.0 if high == inf else high / (1 + high))

    def _difference_at(self, ratio: float, rate: float) -> float:
        """Return the difference under this ratio of rates, at this rate of both arms together."""
        if ratio == inf:
            return rate * self._users / self.treatment.n
        return (ratio - 1) * rate * self._users / (self.control.n + ratio * self.treatment.n)

    def _edge(self, level: float, start: float, sign: int) -> float | None:
        """Return the log ratio beyond `start` where p falls below the level; None if it never does."""
        step = 0.5
        accepted = start
        while abs(accepted) < _MAX_LOG_RATIO:
            further = accepted + sign * step
            if self._p_value(further) < level:
                return self._between(level, rejected=further, accepted=accepted)
            accepted, step = further, step * 2
        return None

    def _between(self, level: float, rejected: float, accepted: float) -> float:
        """Return the log ratio where the p-value crosses the level, by bisection."""
        for _ in range(_STEPS):
            middle = (rejected + accepted) / 2
            if self._p_value(middle) < level:
                rejected = middle
            else:
                accepted = middle
        return accepted

    def _p_value(self, log_ratio: float) -> float:
        odds = self.odds * exp(log_ratio)
        counts = self.control.conversions, self.treatment.conversions
        shares = 1 / (1 + odds), odds / (1 + odds)
        return exp(min(0.0, -_log_bayes_factor(counts, shares)))


def _log_bayes_factor(counts: tuple[int, int], shares: tuple[float, float]) -> float:
    """Return ln BF of a Dirichlet around the shares against exactly the shares, free of cancellation."""
    size = CONCENTRATION + sum(counts)
    value = log(CONCENTRATION / size) / 2 + stirling_error(CONCENTRATION) - stirling_error(size)
    for count, share in zip(counts, shares, strict=True):
        prior = CONCENTRATION * share
        posterior = prior + count
        value += (posterior - 0.5) * log(posterior / (size * share))
        value += stirling_error(posterior) - stirling_error(prior)
    return value
