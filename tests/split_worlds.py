"""Invented split tests, counted by numpy alone: arms with readers behind machines, whose truth is known."""

import numpy as np

from impressions_analytics.analytics.quantiles import normal_quantile
from impressions_analytics.analytics.split_test import Arm, winner

Z = normal_quantile(0.95)


def arm(random, size, apple, *, seen, hidden, fetched=0.8):
    """Draw an arm: the share of Apple recipients, the open rate that is seen and the one that machines hide."""
    behind = random.binomial(size, apple * fetched)
    return Arm(0, size, int(random.binomial(size - behind, seen)), int(behind)), behind * hidden


def decided(random, size, apple, rates, hidden, delta):
    one, _ = arm(random, size, apple[0], seen=rates[0], hidden=hidden[0])
    other, _ = arm(random, size, apple[1], seen=rates[1], hidden=hidden[1])
    one, other = (Arm(number, a.delivered, a.human, a.machine_only) for number, a in ((1, one), (2, other)))
    return winner(one, other, delta, Z)


def tied_rates(apple, hidden, fetched, second):
    """Return the rate that is seen in the first arm, so that both arms have the same true open rate."""
    behind = apple * fetched
    return (second * (1 - behind) + (hidden[1] - hidden[0]) * behind) / (1 - behind)


def false_wins(*, worlds, hidden, delta, size=5_000, apple=0.1, seed=1):
    """Return how often the first arm wins although the true open rates are equal."""
    first = tied_rates(apple, hidden, 0.8, 0.25)
    random = np.random.default_rng(seed)
    wins = [decided(random, size, (apple, apple), (first, 0.25), hidden, delta) == 1 for _ in range(worlds)]
    return float(np.mean(wins))


def naive_false_wins(*, worlds, size=5_000, seed=1):
    """Return how often "all opens" names a winner of two equal mailings, one with more Apple recipients."""
    random = np.random.default_rng(seed)
    wins = 0
    for _ in range(worlds):
        arms = [arm(random, size, apple, seen=0.3, hidden=0.3)[0] for apple in (0.5, 0.58)]
        rates = [(one.human + one.machine_only) / size for one in arms]
        error = np.sqrt(sum(rate * (1 - rate) / size for rate in rates))
        wins += abs(rates[0] - rates[1]) > Z * error
    return wins / worlds


def power(*, worlds, apple, rates, delta, size=5_000, seed=1):
    """Return how often the better arm wins, with the same hidden rate in both."""
    random = np.random.default_rng(seed)
    won = [decided(random, size, (apple, apple), rates, (0.3, 0.3), delta) == 1 for _ in range(worlds)]
    return float(np.mean(won))
