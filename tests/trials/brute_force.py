"""Every number of the full results answer, computed from a trial's raw rows with numpy, scipy, statsmodels.

Nothing here imports the product: per-user vectors, textbook formulas, the libraries' own tests.
"""

from collections import defaultdict
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
import statsmodels.api as sm
from scipy import stats
from scipy.integrate import quad
from scipy.special import gammaln
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tools.demo.trial import DAY_MS, UNIT, Trial

ALPHA = 0.05


@dataclass(frozen=True)
class Arm:
    """One variant's users: the metric's total of each (y) and what it was before the assignment (x)."""

    y: np.ndarray
    x: np.ndarray
    converters: int
    events: int
    values: int


class Rows:
    """A trial's raw rows, for some of the users and days."""

    def __init__(self, trial: Trial, country: str | None = None, days: tuple[int, int] | None = None) -> None:
        """Keep the users of a country ("other" for undeclared ones); UTC days since 1970, both included."""
        self.definition = trial.definition
        self.variants = [each["key"] for each in trial.definition["variants"]]
        self.weights = [each["weight"] / 100 for each in trial.definition["variants"]]
        self.users: dict[str, list[str]] = {key: [] for key in self.variants}
        self.batches: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(self.variants, 0))
        declared = {value for each in trial.definition.get("segments", []) for value in each["values"]}
        for each in trial.assignments:
            home = each.context.get("country")
            if country not in {None, home if home in declared else "other"}:
                continue
            if days is not None and each.at // DAY_MS > days[1]:
                continue
            self.users[each.variant].append(each.user_id)
            self.batches[each.at // DAY_MS][each.variant] += 1
        self.after: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.earlier: dict[tuple[str, str], list[int]] = defaultdict(list)
        for each in trial.events:
            if days is None or days[0] <= each.at // DAY_MS <= days[1]:
                self.after[each.user_id, each.type].append(each.value)
        for each in trial.before:
            self.earlier[each.user_id, each.type].append(each.value)

    def arm(self, metric: dict[str, Any], variant: str) -> Arm:
        """Return the metric's vectors for one variant."""
        after = [self.after.get((user, metric["event_type"]), []) for user in self.users[variant]]
        earlier = [self.earlier.get((user, metric["event_type"]), []) for user in self.users[variant]]
        return Arm(
            np.array([_total(metric["kind"], values) for values in after], dtype=float),
            np.array([_total(metric["kind"], values) for values in earlier], dtype=float),
            sum(bool(values) for values in after),
            sum(map(len, after)),
            sum(map(sum, after)),
        )

    def enrolled(self) -> dict[str, int]:
        """Return the users per variant."""
        return {key: len(users) for key, users in self.users.items()}

    def sample_ratio(self) -> dict[str, Any]:
        """Return the mismatch tests."""
        observed = np.array(list(self.enrolled().values()))
        expected = observed.sum() * np.array(self.weights)
        test = stats.chisquare(observed, expected)
        lowest, totals = 1.0, np.zeros(len(self.variants))
        prior = 10_000 * np.array(self.weights)
        for day in sorted(self.batches):
            totals += list(self.batches[day].values())
            factor = gammaln(prior.sum()) - gammaln(prior.sum() + totals.sum())
            factor += (gammaln(prior + totals) - gammaln(prior) - totals * np.log(self.weights)).sum()
            lowest = min(lowest, float(np.exp(min(0, -factor))))
        return {
            "status": "mismatch" if test.pvalue < 0.001 else "ok",
            "p_value": float(test.pvalue),
            "chi_square": float(test.statistic),
            "expected": dict(zip(self.variants, expected.tolist(), strict=True)),
            "sequential_p_value": lowest,
        }

    def metrics(self, *, declared: bool = True) -> list[dict[str, Any]]:
        """Return what `metrics` of the answer should be; of an exploratory one without `declared`."""
        control = self.definition.get("control", self.variants[0])
        mismatch = declared and self.sample_ratio()["status"] == "mismatch"
        found = []
        for metric in self.definition["metrics"]:
            arms = {key: self.arm(metric, key) for key in self.variants}
            family = sum(each["role"] == "primary" for each in self.definition["metrics"])
            size = family * (len(arms) - 1) if metric["role"] == "primary" else 1
            direction = metric.get("direction", "increase")
            found.append(
                {
                    "key": metric["key"],
                    "name": metric.get("name"),
                    "late": False,
                    "partial": False,
                    "margin": metric.get("margin"),
                    "event_type": metric["event_type"],
                    "kind": metric["kind"],
                    "role": metric["role"],
                    "direction": direction,
                    "variants": {key: _figures(arm) for key, arm in arms.items()},
                    "comparisons": {
                        key: self._comparison(metric, direction, arms[control], arm, size, declared, mismatch)
                        for key, arm in arms.items()
                        if key != control
                    },
                }
            )
        _adjust(found)
        if declared:
            self._correct_secondaries(found, control)
        for metric in found:
            for comparison in metric["comparisons"].values():
                comparison["quoted"] = _quoted(comparison)
        return found

    def _correct_secondaries(self, found: list[dict[str, Any]], control: str) -> None:
        """Give the deciding figures of secondary metrics their shared false discovery rate."""
        chosen = [
            (metric, self.arm(metric, control), self.arm(metric, key), comparison["deciding"])
            for metric in found
            if metric["role"] == "secondary"
            for key, comparison in metric["comparisons"].items()
        ]
        if not chosen:
            return
        adjusted = multipletests([deciding["p_value"] for *_, deciding in chosen], method="fdr_bh")[1]
        level = ALPHA * max(1, sum(adjusted < ALPHA)) / len(chosen)
        for (metric, first, second, deciding), p_value in zip(chosen, adjusted, strict=True):
            se = cautious_se(metric["kind"], first.y, second.y)
            v_mean = first.y.var(ddof=1) / len(first.y)
            n = len(first.y) + len(second.y)
            rho2 = (-2 * log(ALPHA) + log(1 - 2 * log(ALPHA))) / self._tuning()
            reach = sqrt(2 * (n * rho2 + 1) / (n * rho2) * log(sqrt(n * rho2 + 1) / level))
            difference = deciding["difference"]
            deciding["p_value"] = float(p_value)
            deciding["interval"] = [difference - reach * se, difference + reach * se]
            deciding["lift_interval"] = _fieller(difference, se**2, first.y.mean(), v_mean, -v_mean, reach)
            deciding["significant"] = bool(p_value < ALPHA)
            word = metric["comparisons"]
            for comparison in word.values():
                if comparison["deciding"] is deciding and comparison["confidence"] != "low":
                    z = abs(comparison["difference"] / comparison["se"])
                    comparison["confidence"] = _word(z, deciding, mismatch=False)

    def _tuning(self) -> float:
        weights = dict(zip(self.variants, self.weights, strict=True))
        return self.definition["planned_users"] * sum(sorted(weights.values())[-2:])

    def _comparison(self, metric, direction, control, treated, size, declared, mismatch) -> dict[str, Any]:
        test = stats.ttest_ind(treated.y, control.y, equal_var=False)
        ends = test.confidence_interval(0.95)
        difference = treated.y.mean() - control.y.mean()
        v_control, v_treated = control.y.var(ddof=1) / len(control.y), treated.y.var(ddof=1) / len(treated.y)
        se = sqrt(v_control + v_treated)
        small = _is_small(metric["kind"], control, treated)
        interval = [float(ends.low), float(ends.high)]
        if small and metric["kind"] == "conversion":
            interval = [
                float(end)
                for end in confint_proportions_2indep(
                    treated.converters,
                    len(treated.y),
                    control.converters,
                    len(control.y),
                    method="newcomb",
                )
            ]
        mean = control.y.mean()
        quantile = stats.t.isf(ALPHA / 2, test.df)
        lift_interval = _fieller(difference, se**2, mean, v_control, -v_control, quantile)
        estimate = {
            "difference": difference,
            "interval": interval,
            "p_value": test.pvalue,
            "lift": difference / mean,
            "lift_interval": lift_interval,
        }
        wide = cautious_se(metric["kind"], control.y, treated.y)
        always_valid, deciding, guard = None, None, None
        if declared:
            always_valid = self._always_valid(difference, wide, mean, v_control, size, control, treated)
            evidence, method = always_valid, "sequence"
            if self.definition.get("analysis") == "fixed" and metric["role"] != "guardrail":
                assert wide == se  # else another test than scipy's
                evidence, method = _at_the_end(test, ALPHA / size, estimate, v_control, se), "fixed"
            low, high = evidence["interval"]
            prior = (0.1 * mean) ** 2
            deciding = {
                "analysis": self.definition.get("analysis", "sequential"),
                "method": method,
                "adjusted": False,
                "alpha": ALPHA,
                "difference": difference,
                "lift": difference / mean,
                "shrunken_lift": difference / mean * prior / (prior + wide**2),
                **evidence,
                "decides": True,
                "significant": not low <= 0 <= high,
                "today": difference,
                "look": None,
            }
            if metric["role"] == "guardrail":
                gain = -low if direction == "decrease" else high
                guard = {"harmed": gain < 0, "safe": gain >= 0}
        sign = 1 if direction == "increase" else -1
        z = sign * difference / se
        loss, _ = quad(lambda d: -d * stats.norm.pdf(d, sign * difference, se), -40 * se, 0, epsabs=0)
        word = _word(abs(difference / se), deciding, mismatch)
        better = "better" if z > 0 else "worse"
        if small:
            assert deciding is None  # else the exact test would decide
            return self._small(metric, direction, control, treated, estimate, se, declared)
        return estimate | {
            "status": "ok",
            "reason": None,
            "se": se,
            "always_valid": always_valid,
            "deciding": deciding,
            "guard": guard,
            "probability_to_beat_control": stats.norm.cdf(z),
            "expected_loss": loss,
            "tendency": "unclear" if word == "low" else better,
            "certainty": stats.norm.cdf(abs(z)),
            "confidence": word,
            "small_sample": small,
            "cuped": self._cuped(control, treated, estimate, ends, se, size, metric, declared),
        }

    def _small(self, metric, direction, control, treated, estimate, se, declared) -> dict[str, Any]:
        """Return what remains of a comparison with too few outcomes."""
        chance, loss, lift = None, None, None
        if metric["kind"] == "conversion":
            chance, loss = _beta(*((control, treated) if direction == "increase" else (treated, control)))
            rate = control.converters / len(control.y)
            lift = [max(-1.0, estimate["interval"][0] / rate), estimate["interval"][1] / rate]
        nothing = {"interval": None, "p_value": None, "lift_interval": None, "always_valid": None}
        return estimate | {
            "p_value": None,
            "lift_interval": lift,
            "status": "ok",
            "reason": None,
            "se": se,
            "always_valid": None,
            "deciding": None,
            "guard": None,
            "probability_to_beat_control": chance,
            "expected_loss": loss,
            "adjusted_p_value": None,
            "tendency": "unclear",
            "certainty": None,
            "confidence": "low",
            "small_sample": True,
            "cuped": {
                "decides": False,
                "adjusted": None,
                "unadjusted": {key: estimate[key] for key in ("difference", "lift")} | nothing,
                "theta": None,
                "variance_reduction": None,
                "reason": "no_history",
            },
        }

    def _cuped(self, control, treated, estimate, ends, se, size, metric, declared) -> dict[str, Any]:
        mean, v_control = control.y.mean(), control.y.var(ddof=1) / len(control.y)
        found = _cuped(control, treated, estimate, ends, se, known=declared)
        for name in ("adjusted", "unadjusted"):
            if found[name] is None:
                continue
            valid = None
            if declared:
                difference, shared, samples = estimate["difference"], -v_control, (control.y, treated.y)
                if name == "adjusted":
                    difference, shared = found[name].pop("own")
                    samples = tuple(arm.y - found["theta"] * arm.x for arm in (control, treated))
                own_se = cautious_se(metric["kind"], *samples)
                valid = self._always_valid(
                    difference, own_se, mean, v_control, size, control, treated, shared
                )
            found[name]["always_valid"] = valid
        return found | {"decides": False}

    def _always_valid(
        self, difference, se, mean, v_control, size, control, treated, shared=None
    ) -> dict[str, Any]:
        alpha, n = ALPHA / size, len(control.y) + len(treated.y)
        planned = self._tuning()
        rho2 = (-2 * log(alpha) + log(1 - 2 * log(alpha))) / planned
        multiplier = sqrt(2 * (n * rho2 + 1) / (n * rho2) * log(sqrt(n * rho2 + 1) / alpha))
        e = rho2 * (difference / se) ** 2 * n / (2 * (n * rho2 + 1)) - log(n * rho2 + 1) / 2
        return {
            "interval": [difference - multiplier * se, difference + multiplier * se],
            "p_value": min(1.0, size * min(1.0, float(np.exp(-e)))),
            "lift_interval": _fieller(
                difference, se**2, mean, v_control, -v_control if shared is None else shared, multiplier
            ),
        }


def _beta(worse: Arm, better: Arm) -> tuple[float, float]:
    """Return the chance that the second arm's rate is higher, and the mean shortfall if it is not."""
    first, second = (
        stats.beta(1 + arm.converters, 1 + len(arm.y) - arm.converters) for arm in (worse, better)
    )
    chance, _ = quad(lambda p: second.pdf(p) * first.cdf(p), 0, 1, epsabs=0, limit=500)
    loss, _ = quad(lambda p: second.cdf(p) * first.sf(p), 0, 1, epsabs=0, limit=500)
    return chance, loss


def cautious_se(kind: str, control: np.ndarray, treated: np.ndarray) -> float:
    """Return the larger of Welch's and the pooled standard error of two samples, but for rates."""
    n, m = len(control), len(treated)
    v, w = control.var(ddof=1), treated.var(ddof=1)
    welch = sqrt(v / n + w / m)
    pooled = sqrt(((n - 1) * v + (m - 1) * w) / (n + m - 2) * (1 / n + 1 / m))
    return welch if kind == "conversion" else max(welch, pooled)


def _at_the_end(test, alpha, estimate, v_control, se) -> dict[str, Any]:
    """Return the test of an experiment that is read once, at its planned end, which all these reached."""
    ends = test.confidence_interval(1 - alpha)
    mean = estimate["difference"] / estimate["lift"]
    quantile = stats.t.isf(alpha / 2, test.df)
    return {
        "interval": [float(ends.low), float(ends.high)],
        "p_value": min(1.0, float(test.pvalue) * ALPHA / alpha),
        "lift_interval": _fieller(estimate["difference"], se**2, mean, v_control, -v_control, quantile),
    }


def adjusted_difference(control: Arm, treated: Arm) -> tuple[Any, float, float]:
    """Return Welch's test of y - theta (x - mean of x), theta by least squares over both arms, and theta."""
    x, y = np.concatenate([control.x, treated.x]), np.concatenate([control.y, treated.y])
    theta = float(sm.OLS(y, sm.add_constant(x)).fit().params[1])
    moved = [arm.y - theta * (arm.x - x.mean()) for arm in (treated, control)]
    return stats.ttest_ind(*moved, equal_var=False), float(moved[0].mean() - moved[1].mean()), theta


def _cuped(control, treated, estimate, ends, se, *, known) -> dict[str, Any]:
    unadjusted = estimate | {"interval": [float(ends.low), float(ends.high)]}
    if not known or not (control.x.any() or treated.x.any()):
        return {
            "adjusted": None,
            "unadjusted": unadjusted,
            "theta": None,
            "variance_reduction": None,
            "reason": "no_history",
        }
    adjusted, difference, theta = adjusted_difference(control, treated)
    low, high = adjusted.confidence_interval(0.95)
    new_se = float(difference / adjusted.statistic)
    mean, n = control.y.mean(), len(control.y)
    covariance = np.cov(control.x, control.y, ddof=1)[0, 1]
    v_mean = control.y.var(ddof=1) / n
    shared = -(control.y.var(ddof=1) - theta * covariance) / n
    quantile = stats.t.isf(ALPHA / 2, adjusted.df)
    return {
        "adjusted": {
            "difference": difference,
            "interval": [float(low), float(high)],
            "p_value": adjusted.pvalue,
            "lift": difference / mean,
            "lift_interval": _fieller(difference, new_se**2, mean, v_mean, shared, quantile),
            "own": (difference, shared),
        },
        "unadjusted": unadjusted,
        "theta": theta,
        "variance_reduction": 1 - new_se**2 / se**2,
        "reason": None,
    }


def _figures(arm: Arm) -> dict[str, Any]:
    n = len(arm.y)
    return {
        "users": n,
        "converters": arm.converters,
        "rate": arm.converters / n,
        "rate_interval": [float(end) for end in proportion_confint(arm.converters, n, ALPHA, "wilson")],
        "count": arm.events,
        "sum": arm.values / UNIT,
        "mean": arm.y.mean(),
        "variance": arm.y.var(ddof=1),
    }


def _total(kind: str, values: list[int]) -> float:
    if kind == "conversion":
        return float(bool(values))
    return float(len(values)) if kind == "count" else sum(values) / UNIT


def _is_small(kind: str, control: Arm, treated: Arm) -> bool:
    if kind == "conversion":
        return min(min(arm.converters, len(arm.y) - arm.converters) for arm in (control, treated)) < 10
    return min((len(arm.y), arm.converters) for arm in (control, treated))[1] < 100


def _fieller(difference, v_difference, mean, v_mean, covariance, quantile) -> list[float] | None:
    lead = mean**2 - quantile**2 * v_mean
    if lead <= 0:
        return None
    middle = -2 * difference * mean + 2 * quantile**2 * covariance
    roots = np.roots([lead, middle, difference**2 - quantile**2 * v_difference])
    return sorted(float(root.real) for root in roots)


def _word(z: float, deciding: dict[str, Any] | None, mismatch: bool) -> str:
    certainty = stats.norm.cdf(z)
    if mismatch or certainty < 0.8:
        return "low"
    if deciding is not None and deciding["significant"]:
        return "significant"
    return "medium" if certainty < 0.95 else "high"


def _adjust(metrics: list[dict[str, Any]]) -> None:
    """Write the adjusted p-values: Holm among primaries, Benjamini-Hochberg among secondaries."""
    for role, method in (("primary", "holm"), ("secondary", "fdr_bh"), ("guardrail", None)):
        family = [
            each
            for metric in metrics
            if metric["role"] == role
            for each in metric["comparisons"].values()
            if each["p_value"] is not None
        ]
        p_values = [each["p_value"] for each in family]
        adjusted = multipletests(p_values, method=method)[1] if method and family else p_values
        for comparison, p_value in zip(family, adjusted, strict=True):
            comparison["adjusted_p_value"] = float(p_value)


def _quoted(comparison: dict[str, Any]) -> dict[str, Any]:
    """Return what may be quoted: what decides, else what holds on any day, else what one look shows."""
    deciding, valid, cuped = comparison["deciding"], comparison["always_valid"], comparison["cuped"]
    if deciding is not None and deciding["decides"]:
        names = "difference", "interval", "p_value", "alpha", "lift", "lift_interval"
        return {"kind": deciding["method"]} | {name: deciding[name] for name in names}
    if valid is not None and deciding is not None:
        estimate = cuped["adjusted"] if cuped["decides"] else cuped["unadjusted"]
        estimated = {name: estimate[name] for name in ("difference", "lift")}
        return {"kind": "sequence", "alpha": deciding["alpha"]} | estimated | valid
    names = "difference", "interval", "p_value", "lift", "lift_interval"
    kind = "small" if comparison["small_sample"] else "shown"
    return {"kind": kind, "alpha": ALPHA} | {name: comparison[name] for name in names}
