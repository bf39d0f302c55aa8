"""Run golden cases of the statistics: `python -m tests.vectors.run_statistics PATH...` (files or folders)."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "layers" / "common"))

from experimentation.domain.statistics import (
    bayes,
    beta_binomial,
    cuped,
    decision,
    means,
    moments,
    multiplicity,
    power,
    proportions,
    ratio,
    sequential,
    srm,
    tails,
)
from experimentation.domain.statistics.lift import Interval

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


def _rates(case: Json) -> tuple[proportions.Rate, proportions.Rate]:
    control, treatment = case["control"], case["treatment"]
    return (
        proportions.Rate(control["n"], control["conversions"]),
        proportions.Rate(treatment["n"], treatment["conversions"]),
    )


def _tail(function: Callable[..., float]) -> Callable[[Json], Outcome]:
    return lambda case: {"value": function(*case["args"])}


def _sequence(case: Json) -> Outcome:
    tuning_n = case.get("tuning_n", sequential.DEFAULT_TUNING_N)
    return sequential.asymptotic_confidence_sequence(*_arms(case), case["alpha"], tuning_n)._asdict()


def _normal_effect(case: Json) -> Outcome:
    prior = bayes.Prior(**case["prior"]) if case.get("prior") else None
    direction: decision.Direction = "decrease" if case.get("inverse") else case.get("direction", "increase")
    return bayes.normal_effect(*_arms(case), case["alpha"], prior, direction)._asdict()


def _prob_best(case: Json) -> Outcome:
    arms = [bayes.Arm(float(arm["mean"]), float(arm["se"])) for arm in case["arms"]]
    return bayes.prob_best_normal(arms)._asdict()


def _beta_binomial(case: Json) -> Outcome:
    prior = beta_binomial.Beta(**case["prior"]) if case.get("prior") else beta_binomial.FLAT
    return beta_binomial.beta_binomial(*_rates(case), prior)._asdict()


def _merge_batches(case: Json) -> Outcome:
    parts = [moments.moments_of(Fraction(str(value)) for value in batch) for batch in case["batches"]]
    merged = moments.merge(parts)
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
    deciding = _interval(case.get("fixed_ci") if ended else None) if fixed else _interval(case.get("cs"))
    primary = decision.Evidence(case["metric_direction"], deciding, case.get("mde"))
    guardrails = [
        decision.Evidence(
            guardrail["direction"],
            _interval(
                guardrail.get("fixed_ci") if fixed and ended and "fixed_ci" in guardrail else guardrail["cs"]
            ),
        )
        for guardrail in case.get("guardrails", [])
    ]
    mismatch = case["srm_p"] is not None and case["srm_p"] < srm.THRESHOLD
    enough_users = case["min_users_met"]
    readiness = decision.Readiness(mismatch, enough_users, case["days_running"] >= case["min_days"], ended)
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
    "welch_t": lambda case: means.welch_t(*_arms(case), case["alpha"])._asdict(),
    "proportion": lambda case: proportions.compare_proportions(*_rates(case), case["alpha"])._asdict(),
    "asymptotic_confidence_sequence": _sequence,
    "p_adjust": lambda case: multiplicity.p_adjust(case["p_values"])._asdict(),
    "srm_chi2": lambda case: srm.srm_chi2(case["observed"], _weights(case))._asdict(),
    "srm_sequential_dirichlet": _srm_sequential,
    "normal_effect": _normal_effect,
    "prob_best_normal": _prob_best,
    "beta_binomial": _beta_binomial,
    "cuped_welch": lambda case: cuped.cuped_welch(
        _paired(case["control"]), _paired(case["treatment"]), case["alpha"]
    )._asdict(),
    "ratio_delta": lambda case: ratio.ratio_delta(
        _ratio(case["control"]), _ratio(case["treatment"]), case["alpha"]
    )._asdict(),
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
