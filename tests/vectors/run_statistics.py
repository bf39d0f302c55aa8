"""Run golden cases of the statistics: `python -m tests.vectors.run_statistics PATH...` (files or folders)."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "layers" / "common"))

from experimentation.domain.experiment import Direction
from experimentation.domain.statistics import (
    beta_binomial,
    cuped,
    decision,
    exact,
    group_sequential,
    means,
    moments,
    srm,
    tails,
)
from experimentation.domain.statistics.bayes import Posterior, Prior
from experimentation.domain.statistics.lift import Interval
from experimentation.domain.statistics.proportions import Rate
from experimentation.domain.statistics.sequential import DEFAULT_TUNING_N
from experimentation.domain.statistics.strata import Stratum, heterogeneity, post_stratified
from tests.vectors.reference import bayes, multiplicity, power, proportions, ratio, sequential
from tests.vectors.reference.lift import delta_standard_error
from tests.vectors.reference.moments import merge, moments_of

type Json = Any
type Outcome = Mapping[str, Json]


def _arm(sums: Json) -> moments.Moments:
    return moments.exact_moments(sums["n"], Fraction(str(sums["sum"])), Fraction(str(sums["sum_sq"])))


def _arms(case: Json) -> tuple[moments.Moments, moments.Moments]:
    return _arm(case["control"]), _arm(case["treatment"])


def _paired(sums: Json) -> cuped.PairedMoments:
    names = cuped.PairedMoments._fields[1:]
    return cuped.PairedMoments(sums["n"], *(Fraction(str(sums[name])) for name in names))


def _ratio(sums: Json) -> ratio.RatioMoments:
    names = ratio.RatioMoments._fields[1:]
    return ratio.RatioMoments(sums["n"], *(Fraction(str(sums[name])) for name in names))


def _rates(case: Json) -> tuple[Rate, Rate]:
    control, treatment = case["control"], case["treatment"]
    return Rate(control["n"], control["conversions"]), Rate(treatment["n"], treatment["conversions"])


def _tail(function: Callable[..., float]) -> Callable[[Json], Outcome]:
    return lambda case: {"value": function(*case["args"])}


def _limits(low: str, high: str, interval: Interval | None) -> dict[str, float | None]:
    return {low: None, high: None} if interval is None else {low: interval.low, high: interval.high}


def _welch(test: means.WelchTest) -> dict[str, Json]:
    """Return a test with its fields side by side, as the golden cases have them."""
    contrast, delta = test.contrast, None
    if contrast is not None and contrast.baseline is not None:
        delta = delta_standard_error(contrast.diff, contrast.variance, contrast.baseline)
    reach = None if delta is None or test.quantile is None else test.quantile * delta
    around = None if reach is None or test.lift is None else Interval(test.lift - reach, test.lift + reach)
    return {
        "status": test.status,
        "reason": test.reason,
        "diff": test.diff,
        "se": None if contrast is None else contrast.se,
        "dof": None if contrast is None else contrast.dof,
        "t": None if contrast is None else contrast.z,
        "p_value": test.p_value,
        "t_crit": test.quantile,
        "lift": test.lift,
        "lift_se_delta": delta,
        **_limits("ci_low", "ci_high", test.interval),
        **_limits("lift_ci_low_delta", "lift_ci_high_delta", around),
        **_limits("lift_ci_low_fieller", "lift_ci_high_fieller", test.lift_interval),
    }


def _estimates(control: moments.Estimate, treatment: moments.Estimate, **names: str) -> dict[str, Json]:
    mean, variance = names["mean"], names["variance"]
    return {
        f"{mean}_control": moments.as_float(control.mean),
        f"{mean}_treatment": moments.as_float(treatment.mean),
        f"{variance}_control": moments.as_float(control.variance),
        f"{variance}_treatment": moments.as_float(treatment.variance),
    }


def _welch_t(case: Json) -> Outcome:
    control, treatment = _arms(case)
    test = means.welch_t(control, treatment, case["alpha"])
    return _welch(test) | _estimates(control.estimate, treatment.estimate, mean="mean", variance="var")


def _cautious(case: Json) -> Outcome:
    control, treatment = _arms(case)
    found = means.cautious(control.estimate, treatment.estimate, None)
    if found is None:
        return {"se": None, "dof": None, "p_value": None}
    return {"se": found.se, "dof": found.dof, "p_value": means.two_sided_p(found)}


def _exact(case: Json) -> Outcome:
    test = exact.ExactTest(*_rates(case), float(case["odds"]))
    return {"p_value": test.p_value, **_limits("ratio_low", "ratio_high", test.ratio(case["alpha"]))}


def _bounds(case: Json) -> Outcome:
    return {"bounds": group_sequential.boundary(tuple(case["information"]), case["alpha"]).bounds}


def _crossing(case: Json) -> Outcome:
    fractions = tuple(case["information"])
    found = group_sequential.boundary(fractions, case["alpha"])
    return {"power": found.power(case["drift"])}


def _repeated(case: Json) -> Outcome:
    return {"p_value": group_sequential.smallest_level(tuple(case["information"]), case["z"])}


def _strata(case: Json) -> Outcome:
    labels = [Stratum(each["users"], float(each["diff"]), float(each["se"]) ** 2) for each in case["strata"]]
    return {**_combined(post_stratified(labels)), **_combined(heterogeneity(labels))}


def _combined(found: Json) -> Outcome:
    return {} if found is None else found._asdict()


def _cuped(case: Json) -> Outcome:
    control, treatment = _paired(case["control"]), _paired(case["treatment"])
    found = cuped.cuped_welch(control, treatment, case["alpha"])
    adjusted = _estimates(
        found.adjusted.control, found.adjusted.treatment, mean="adj_mean", variance="adj_var"
    )
    raw = _estimates(control.outcome, treatment.outcome, mean="mean", variance="var")
    return (
        _welch(found.test)
        | adjusted
        | raw
        | {
            "status": found.status,
            "theta": found.theta,
            "variance_reduction": found.variance_reduction,
        }
    )


def _ratio_delta(case: Json) -> Outcome:
    found = ratio.ratio_delta(_ratio(case["control"]), _ratio(case["treatment"]), case["alpha"])
    return _welch(found.test) | _estimates(found.control, found.treatment, mean="ratio", variance="var")


def _sequence(case: Json) -> Outcome:
    alpha, tuning_n = case["alpha"], case.get("tuning_n", DEFAULT_TUNING_N)
    status, sequence = sequential.asymptotic_confidence_sequence(*_arms(case), alpha, tuning_n)
    if sequence is None:
        return dict.fromkeys(SEQUENCE_FIELDS) | {"status": status}
    contrast, multiplier = sequence.contrast, sequence.multiplier(alpha)
    return {
        "status": status,
        "diff": contrast.diff,
        "se": contrast.se,
        "rho": sequence.rho,
        "halfwidth": multiplier * contrast.se,
        "multiplier": multiplier,
        "p_always_valid": sequence.p_value,
        "lift": contrast.lift,
        **_limits("cs_low", "cs_high", sequence.interval(alpha)),
        **_limits("lift_cs_low_fieller", "lift_cs_high_fieller", sequence.lift_interval(alpha)),
    }


SEQUENCE_FIELDS = (
    "diff",
    "se",
    "rho",
    "halfwidth",
    "multiplier",
    "cs_low",
    "cs_high",
    "p_always_valid",
    "lift",
    "lift_cs_low_fieller",
    "lift_cs_high_fieller",
)


def _normal_effect(case: Json) -> Outcome:
    wanted = case.get("prior")
    prior = Prior(wanted["mean"], wanted["sd"]) if wanted else None
    scale = wanted.get("scale", "absolute") if wanted else "absolute"
    direction = Direction("decrease" if case.get("inverse") else case.get("direction", "increase"))
    return bayes.normal_effect(*_arms(case), case["alpha"], prior, direction, scale)._asdict()


def _prob_best(case: Json) -> Outcome:
    arms = [Posterior(float(arm["mean"]), float(arm["se"])) for arm in case["arms"]]
    return bayes.prob_best_normal(arms)._asdict()


def _beta_binomial(case: Json) -> Outcome:
    prior = beta_binomial.Beta(**case["prior"]) if case.get("prior") else beta_binomial.FLAT
    control, treatment = _rates(case)
    found = beta_binomial.beta_binomial(control, treatment, prior)
    return {
        "chance_to_win": found.chance_to_win,
        "expected_loss_treatment": found.expected_loss,
        "expected_loss_control": beta_binomial.beta_binomial(treatment, control, prior).expected_loss,
    }


def _merge_batches(case: Json) -> Outcome:
    parts = [moments_of(Fraction(str(value)) for value in batch) for batch in case["batches"]]
    merged = merge(parts)
    mean, variance = moments.as_float(merged.mean), moments.as_float(merged.variance)
    return {"n": merged.n, "sum": merged.sum, "sum_sq": merged.sum_sq, "mean": mean, "variance": variance}


def _weights(case: Json) -> list[Fraction]:
    return [Fraction(str(weight)) for weight in case["weights"]]


def _srm_sequential(case: Json) -> Outcome:
    concentration = case.get("concentration", srm.DEFAULT_CONCENTRATION)
    return srm.srm_sequential_dirichlet(case["batches"], _weights(case), concentration)._asdict()


def _sample_size_mean(case: Json) -> Outcome:
    sds = float(case.get("sd_control", case.get("sd"))), float(case.get("sd_treatment", case.get("sd")))
    sizes = float(case["delta"]), case["alpha"], case["power"], float(case.get("ratio", 1))
    return power.sample_size_mean(*sds, *sizes)._asdict()


def _sample_size_proportion(case: Json) -> Outcome:
    rates = float(case["p_control"]), float(case["p_treatment"])
    return power.sample_size_proportion(*rates, case["alpha"], case["power"])._asdict()


def _sample_size_evanmiller(case: Json) -> Outcome:
    effect = float(case["p_control"]), float(case["mde_abs"])
    return power.sample_size_evanmiller(*effect, case["alpha"], case["power"])._asdict()


def _mde(case: Json) -> Outcome:
    sds = float(case["sd_control"]), float(case["sd_treatment"])
    users = case["n_control"], case["n_treatment"]
    return power.mde(*sds, *users, case["alpha"], case["power"])._asdict()


def _mid_experiment(case: Json) -> Outcome:
    target = case["alpha"], case["power"], float(case["mde_relative"])
    return power.mid_experiment_scaling(*_arms(case), *target)._asdict()


def _interval(limits: Json) -> Interval | None:
    return None if limits is None or None in limits else Interval(*map(float, limits))


def _recommendation(case: Json) -> Outcome:
    fixed, ended = case.get("analysis") == "fixed", case["planned_end_reached"]
    completed = case.get("completed", False)
    deciding = _interval(case.get("fixed_ci") if ended else None) if fixed else _interval(case.get("cs"))
    primary = decision.Evidence(case["metric_direction"], deciding, case.get("mde"))
    guardrails = [
        decision.Guard(
            decision.is_bad(decision.Evidence(guardrail["direction"], _interval(guardrail["cs"]))),
            guardrail.get("safe", True),
        )
        for guardrail in case.get("guardrails", [])
    ]
    mismatch = case["srm_p"] is not None and case["srm_p"] < srm.THRESHOLD
    enough_users = case["min_users_met"]
    enough_days = case["days_running"] >= case["min_days"]
    readiness = decision.Readiness(
        mismatch, enough_users, enough_days, ended or completed, completed, any_day=not fixed
    )
    significant = decision.is_good(primary) or decision.is_bad(primary)
    return {
        "recommendation": decision.recommend(readiness, guardrails, [primary]),
        "confidence": decision.confidence_word(case["z"], enough_users, mismatch, significant),
    }


METHODS: dict[str, Callable[[Json], Outcome]] = {
    "norm_sf": _tail(tails.norm_sf),
    "norm_isf": _tail(tails.norm_isf),
    "t_sf": _tail(tails.t_sf),
    "t_isf": _tail(tails.t_isf),
    "chi2_sf": _tail(tails.chi2_sf),
    "merge_batches": _merge_batches,
    "welch_t": _welch_t,
    "cautious_t": _cautious,
    "exact_conversions": _exact,
    "spending_bounds": _bounds,
    "crossing_probability": _crossing,
    "repeated_p_value": _repeated,
    "stratified": _strata,
    "proportion": lambda case: proportions.compare_proportions(*_rates(case), case["alpha"])._asdict(),
    "asymptotic_confidence_sequence": _sequence,
    "p_adjust": lambda case: multiplicity.p_adjust(case["p_values"])._asdict(),
    "srm_chi2": lambda case: srm.srm_chi2(case["observed"], _weights(case))._asdict(),
    "srm_sequential_dirichlet": _srm_sequential,
    "normal_effect": _normal_effect,
    "prob_best_normal": _prob_best,
    "beta_binomial": _beta_binomial,
    "cuped_welch": _cuped,
    "ratio_delta": _ratio_delta,
    "sample_size_mean": _sample_size_mean,
    "sample_size_proportion": _sample_size_proportion,
    "sample_size_evanmiller": _sample_size_evanmiller,
    "mde": _mde,
    "mid_experiment_scaling": _mid_experiment,
    "recommendation": _recommendation,
}


def failures(case: Json) -> list[str]:
    """Return what is wrong with the answer to one case, one line a field; an empty list when all agrees."""
    method = METHODS.get(case["method"])
    if method is None:
        return [f"unknown method {case['method']}"]
    if not case["expected"]:
        return ["the case expects nothing"]
    try:
        answer = method(case["input"])
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return [f"raised {type(error).__name__}: {error}"]
    found = []
    for field, expected in case["expected"].items():
        if field not in answer:
            found.append(f"unknown field {field}")
        elif not agrees(answer[field], expected, case["rel_tol"], case["abs_tol"]):
            found.append(f"{field}: {answer[field]!r}, expected {expected!r}")
    return found


def agrees(actual: Json, expected: Json, rel_tol: float, abs_tol: float) -> bool:
    """Compare one value: null only with null, exact sums exactly, numbers at the tolerance, lists by item.

    >>> agrees(None, None, 0, 0), agrees(0.0, None, 1, 1), agrees(float("nan"), 1.0, 1, 1)
    (True, False, False)
    """
    if isinstance(expected, list):
        same_length = isinstance(actual, list | tuple) and len(actual) == len(expected)
        return same_length and all(
            agrees(*pair, rel_tol, abs_tol) for pair in zip(actual, expected, strict=True)
        )
    if isinstance(actual, Fraction):
        return expected is not None and actual == Fraction(str(expected))
    if expected is None or isinstance(expected, bool | str):
        return type(actual) is type(expected) and bool(actual == expected)
    if not isinstance(actual, int | float) or isinstance(actual, bool) or not math.isfinite(actual):
        return False
    return math.isclose(actual, expected, rel_tol=0.0, abs_tol=max(rel_tol * abs(expected), abs_tol))


def files(paths: list[str]) -> Iterator[Path]:
    """Return every JSON file that the paths name, folders searched."""
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.json")) if path.is_dir() else [path]


def run(paths: list[str]) -> int:
    """Run every case, print each failure and the count; return the exit code."""
    passed = failed = 0
    for file in files(paths):
        for case in json.loads(file.read_text(encoding="utf-8"))["cases"]:
            found = failures(case)
            failed, passed = failed + bool(found), passed + (not found)
            for line in found:
                print(f"{file.name} {case['id']}: {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
