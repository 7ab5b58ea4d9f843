"""Timing: the same work several times, the median told. Figures are of the machine they were measured on."""

import statistics
import time
from collections.abc import Callable


def per_second(what: str, count: int, work: Callable[[], object], runs: int = 5) -> float:
    """Print and return how many of *count* things a second *work* does: median, slowest and fastest of *runs*."""
    work()
    rates = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        rates.append(count / (time.perf_counter() - begun))
    say(what, rates)
    return statistics.median(rates)


def say(what: str, rates: list[float], unit: str = "/s") -> None:
    """Print one line of figures."""
    print(f"{what:<66}{statistics.median(rates):>12,.0f} {unit}   ({min(rates):,.0f} - {max(rates):,.0f})", flush=True)
