"""The normal and the Student distribution, as far as the decisions need them."""

from __future__ import annotations

import math
from statistics import NormalDist

_BISECTIONS = 200
"""More than enough to halve any bracket down to neighbouring floats."""


def normal_quantile(probability: float) -> float:
    """Return the value below which a standard normal variable lies with this probability.

    Examples
    --------
    >>> round(normal_quantile(0.95), 3)
    1.645
    """
    return NormalDist().inv_cdf(probability)


def student_tail(t: float, degrees: int) -> float:
    """Return the probability that a Student variable exceeds `t`.

    For whole degrees of freedom the probability is a finite sum, which is computed as it stands.

    References
    ----------
    M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4.

    Examples
    --------
    >>> round(student_tail(2.015, 5), 4)
    0.05
    """
    angle = math.atan(abs(t) / math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    term = cosine if degrees % 2 else 1.0
    total = 0.0
    for step in range(1 + degrees % 2, degrees, 2):
        total += term
        term *= cosine * cosine * step / (step + 1)
    middle = 2 / math.pi * (angle + sine * total) if degrees % 2 else sine * total
    beyond = max(0.0, (1 - middle) / 2)
    return beyond if t >= 0 else 1 - beyond


def student_quantile(probability: float, degrees: int) -> float:
    """Return the value below which a Student variable lies with this probability.

    Examples
    --------
    >>> round(student_quantile(0.95, 5), 3)
    2.015
    """
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    low, high = 0.0, 1.0
    while student_tail(high, degrees) > 1 - probability:
        high *= 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, degrees) > 1 - probability else (low, middle)
    return high
