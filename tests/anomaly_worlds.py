"""Invented shares of mailings and cohorts, drawn by numpy alone, in which something is wrong or nothing is."""

import numpy as np

from impressions_analytics.analytics.unusual import logit, offsets_of_others, share, surprise


def cohort_counts(seed, *, mailings=20, cohorts=6, size=3_000, varies=0.1, loss=0.0):
    """Draw delivered and opened messages by mailing and cohort; the last mailing loses a share in one cohort."""
    random = np.random.default_rng(seed)
    base = random.normal(-1, 0.4, cohorts)
    odds = base + random.normal(0, 0.3, (mailings, 1)) + random.normal(0, varies, (mailings, cohorts))
    totals = random.poisson(size * random.uniform(0.7, 1.3, (mailings, 1)), (mailings, cohorts))
    rates = share(odds)
    rates[-1, 0] *= 1 - loss
    return random.binomial(totals, rates), totals


def lowest(counts, totals):
    """Return the probability of each cohort's last share."""
    rates = np.clip(counts / totals, 1e-3, 1 - 1e-3)
    medians, errors = offsets_of_others(logit(counts, totals), 1 / (totals * rates * (1 - rates)))
    found = [
        surprise(counts[:, one], totals[:, one], "low", offsets=medians[:, one], offset_variances=errors[:, one])
        for one in range(counts.shape[1])
    ]
    return np.array([1.0 if one is None else one.probability for one in found])


def alarms(*, worlds, stated=0.01, **what):
    """Return how often a mailing raises any alarm, and how often the first cohort does."""
    found = [lowest(*cohort_counts(seed, **what)) for seed in range(worlds)]
    tests = len(found[0])
    return tuple(float(np.mean([some(one < stated / tests) for one in found])) for some in (np.any, lambda one: one[0]))


def naive_alarms(*, worlds, stated=0.01, **what):
    """Return the same for the test that most would make: each cohort against its own past, as if only counts varied."""
    wrong = 0
    for seed in range(worlds):
        counts, totals = cohort_counts(seed, **what)
        usual = counts[:-1].sum(axis=0) / totals[:-1].sum(axis=0)
        z = (counts[-1] / totals[-1] - usual) / np.sqrt(usual * (1 - usual) / totals[-1])
        wrong += (z < -2.93).any()  # 1% over six cohorts
    return wrong / worlds


def share_alarms(*, worlds, rate, size, direction, times=1.0, varies=0.15, mailings=20, stated=0.01, seed=0):
    """Return how often one share of the last mailing raises an alarm."""
    wrong = 0
    for number in range(worlds):
        random = np.random.default_rng([seed, number])
        rates = share(np.log(rate / (1 - rate)) + random.normal(0, varies, mailings))
        rates[-1] *= times
        totals = random.poisson(size * random.uniform(0.5, 1.5, mailings))
        found = surprise(random.binomial(totals, rates), totals, direction)
        wrong += found is not None and found.probability < stated
    return wrong / worlds
