"""Tail probabilities and quantiles of the normal, t and chi-square distributions, accurate far out."""

from math import erf, erfc, exp, inf, lgamma, log, log1p, pi, sqrt

from experimentation.domain.statistics.special import beta_fraction, stirling_error

_SQRT_2 = sqrt(2)
_SQRT_2_PI = sqrt(2 * pi)
_LOG_SQRT_PI = log(pi) / 2
_LOG_SQRT_2_PI = log(2 * pi) / 2
_MAX_STEPS = 200
_CONVERGED = 1e-9  # Newton's next error is about the square of its last step
_LARGE_DOF = 20_000.0


def norm_pdf(x: float) -> float:
    """Return the standard normal density at x.

    >>> round(norm_pdf(0), 6)
    0.398942
    """
    return exp(-x * x / 2) / _SQRT_2_PI


def norm_sf(x: float) -> float:
    """Return P(Z > x) for a standard normal Z.

    Source: Abramowitz and Stegun 7.1.2, through the complementary error function.

    >>> round(norm_sf(1.959963984540054), 12)
    0.025
    """
    return erfc(x / _SQRT_2) / 2


def norm_isf(p: float) -> float:
    """Return the x with P(Z > x) = p, for 0 < p < 1.

    Source: Newton's method, on ln P(Z > x) in the tail and on P(0 < Z < x) in the middle.

    >>> round(norm_isf(0.025), 12)
    1.95996398454
    """
    _require_probability(p)
    if p > 0.5:
        return -norm_isf(1 - p)
    if p > 0.25:
        return _norm_middle(0.5 - p)
    x = sqrt(-2 * log(2 * p))
    for _ in range(_MAX_STEPS):
        mills = _mills_ratio(x)
        step = mills * (log(mills) - log(p) - _LOG_SQRT_2_PI - x * x / 2)
        x += step
        if abs(step) <= _CONVERGED * x:
            break
    return x


def _norm_middle(share: float) -> float:
    """Return the x with P(0 < Z < x) = share, by Newton's method."""
    # The function is concave: each step ends to the left of the root, so none overshoots.
    x = share * _SQRT_2_PI
    for _ in range(_MAX_STEPS):
        step = (share - erf(x / _SQRT_2) / 2) / norm_pdf(x)
        x += step
        if abs(step) <= _CONVERGED * x:
            break
    return x


def _mills_ratio(x: float) -> float:
    """Return P(Z > x) / density(x), far out (where both underflow) by Laplace's continued fraction."""
    if x < 10:
        return norm_sf(x) / norm_pdf(x)
    ratio = x
    for k in range(40, 0, -1):
        ratio = x + k / ratio
    return 1 / ratio


def t_sf(t: float, dof: float) -> float:
    """Return P(T > t) for Student's t with dof > 0 degrees of freedom, which need not be whole.

    Source: Abramowitz and Stegun 26.7.1 with 26.5.8; for large dof the expansion that `_large_dof` describes.

    >>> round(t_sf(2.228, 10), 12)
    0.025005885909
    """
    if t < 0:
        return 0.5 + _t_middle(-t, dof)
    return 0.5 - _t_middle(t, dof) if _is_central(t, dof) else _t_tail(t, dof)


def t_isf(p: float, dof: float) -> float:
    """Return the t with P(T > t) = p, for 0 < p < 1 and dof > 0.

    Source: Newton's method, on ln P(T > t) over ln t in the tail and on P(0 < T < t) in the middle.

    >>> round(t_isf(0.025, 2), 12)
    4.302652729749
    """
    _require_probability(p)
    if p > 0.5:
        return -t_isf(1 - p, dof)
    if p > 0.3:
        return _t_isf_middle(0.5 - p, dof)
    t = norm_isf(p)
    for _ in range(_MAX_STEPS):
        tail, slope = t_sf(t, dof), t * _t_pdf(t, dof)
        if not tail or not slope:
            raise ValueError("the quantile is too far out for a double")
        step = tail / slope * log(tail / p)
        # Capped: with few degrees of freedom the normal quantile is so far off that exp could overflow.
        t *= exp(min(step, 10.0))
        if abs(step) <= _CONVERGED:
            break
    return t


def _t_isf_middle(share: float, dof: float) -> float:
    t = share / _t_pdf(0.0, dof)
    for _ in range(_MAX_STEPS):
        step = (share - _t_middle(t, dof)) / _t_pdf(t, dof)
        t += step
        if abs(step) <= _CONVERGED * t:
            break
    return t


def _is_central(t: float, dof: float) -> bool:
    """Say whether the continued fraction of P(0 < T < t) converges faster than that of P(T > t)."""
    return t * t / dof < 1.5 / (dof + 1)


def _t_middle(t: float, dof: float) -> float:
    """Return P(0 < T < t) for t >= 0."""
    if not _is_central(t, dof):
        return 0.5 - _t_tail(t, dof)
    if dof > _LARGE_DOF:
        y, correction = _large_dof(t, dof)
        return erf(y / _SQRT_2) / 2 + correction
    ratio = t * t / dof
    # t^2 underflows before t does.
    if ratio == 0.0:
        return t * _t_pdf(0.0, dof)
    return _t_beta_factor(ratio, dof) * beta_fraction(ratio / (1 + ratio), 0.5, dof / 2)


def _t_tail(t: float, dof: float) -> float:
    if dof > _LARGE_DOF:
        y, correction = _large_dof(t, dof)
        return max(norm_sf(y) - correction, 0.0)
    ratio = t * t / dof
    return _t_beta_factor(ratio, dof) * beta_fraction(1 / (1 + ratio), dof / 2, 0.5) / dof


def _large_dof(t: float, dof: float) -> tuple[float, float]:
    """Return (y, c) such that P(T > t) = P(Z > y) - c, where the continued fraction would cancel.

    With y^2 = (dof - 1/2) ln(1 + t^2/dof) and s = y^2/(2 dof - 1), the density of T is proportional to
    density(y) sqrt(s / sinh s) = density(y) (1 - s^2/12 + s^4/160 - ...), integrated here term by term.
    """
    y = sqrt((dof - 0.5) * log1p(t * t / dof))
    second = 1 / (12 * (2 * dof - 1) ** 2)
    fourth = 1 / (160 * (2 * dof - 1) ** 4)
    square = y * y
    by_parts = second * (square + 3) - fourth * (((square + 7) * square + 35) * square + 105)
    return y, norm_pdf(y) * y * by_parts / (1 - 3 * second + 105 * fourth)


def _t_beta_factor(ratio: float, dof: float) -> float:
    """Return (1-y)^(dof/2) y^(1/2) / B(dof/2, 1/2) with y = ratio / (1 + ratio)."""
    return exp(_log_t_constant(dof) - dof / 2 * log1p(ratio)) / sqrt(1 + 1 / ratio)


def _t_pdf(t: float, dof: float) -> float:
    return exp(_log_t_constant(dof) - (dof + 1) / 2 * log1p(t * t / dof)) / sqrt(dof)


def _log_t_constant(dof: float) -> float:
    """Return -ln B(dof/2, 1/2), free of the cancellation of two large log-gammas."""
    a = dof / 2
    gammas = a * log1p(0.5 / a) + log(a) / 2 - 0.5 + stirling_error(a + 0.5) - stirling_error(a)
    return gammas - _LOG_SQRT_PI


def chi2_sf(x: float, dof: float) -> float:
    """Return P(X > x) for a chi-square X with dof > 0 degrees of freedom.

    Source: the regularised incomplete gamma function, NIST DLMF 8.7.1 (series), 8.9.2 (continued fraction).

    >>> round(chi2_sf(10.83, 1), 12)
    0.000998686379
    """
    if x <= 0:
        return 1.0
    if x == inf:
        return 0.0
    a, h = dof / 2, x / 2
    log_factor = a * log(h) - h - lgamma(a)
    # Each converges fast on its own side, and here the tail is too large for 1 - P to cancel.
    if h < a + 1:
        return 1 - exp(log_factor) * _lower_gamma_series(a, h)
    return exp(log_factor + log(_upper_gamma_fraction(a, h)))


def _lower_gamma_series(a: float, h: float) -> float:
    term = total = 1 / a
    k = a
    while term > total * 1e-17:
        k += 1
        term *= h / k
        total += term
    return total


def _upper_gamma_fraction(a: float, h: float) -> float:
    b = h + 1 - a
    c = 1e300
    d = 1 / b
    fraction = d
    for k in range(1, 100_000):
        numerator = -k * (k - a)
        b += 2
        d = 1 / (numerator * d + b)
        c = b + numerator / c
        fraction *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return fraction


def _require_probability(p: float) -> None:
    if not 0 < p < 1:
        raise ValueError("a quantile needs a probability strictly between 0 and 1")
