"""Rulebooks for tests: the demonstration book with fields changed, and random valid ones."""

import json
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from ownhue.encoding import canonical_json
from ownhue.rulebook import Rulebook, parse_rulebook, rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook

KINDS = ("area", "encounter", "own_result", "venue")
WORDS = ("confirmed_test", "confirmed_clinical", "self_report", "recursive")
COLOURS = ("green", "grey", "yellow", "red")


def content(**changes: Any) -> dict[str, Any]:
    """The JSON object of the demonstration rulebook; *changes*: paths with "__" for dots, exits by their name."""
    made: dict[str, Any] = json.loads(rulebook_bytes(demonstration_rulebook()))
    for path, value in changes.items():
        set_field(made, path.replace("__", "."), value)
    return made


def set_field(book: dict[str, Any], path: str, value: Any) -> None:
    """Set the field of a rulebook's JSON object whose path is written with dots."""
    *parents, last = path.split(".")
    part: Any = book
    for name in parents:
        part = next(item for item in part if item["name"] == name) if isinstance(part, list) else part[name]
    part[last] = value


def parsed(book: dict[str, Any]) -> Rulebook:
    """The rulebook of a JSON object. Raises FormatError."""
    return parse_rulebook(canonical_json(book))


def with_fields(**changes: Any) -> Rulebook:
    """The demonstration rulebook with fields changed, as in :func:`content`."""
    return parsed(content(**changes))


def an_exit(name: str, **changes: Any) -> dict[str, Any]:
    """An exit by a negative PCR test from day 5 that ends yellow encounters, with fields changed."""
    made = {
        "name": name,
        "certificate": "negative_test",
        "test_kinds": ["naat"],
        "ends": ["encounter"],
        "colours": ["yellow"],
        "from_day": 5,
        "until_day": 90,
    }
    return made | changes


names = st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True)
weights = st.tuples(st.integers(0, 625), st.integers(0, 625)).map(
    lambda pair: {"standard": min(pair), "high": max(pair)}
)
levels = st.sampled_from(["none", "standard", "high"])
minutes = st.integers(1, 1440)


@st.composite
def exit_contents(draw: st.DrawFn, name: str) -> dict[str, Any]:
    certificate = draw(st.sampled_from(["negative_test", "recovery", "vaccination"]))
    kinds = draw(st.sampled_from([["naat"], ["rat"], ["naat", "rat"]])) if certificate == "negative_test" else []
    days = sorted(draw(st.lists(st.integers(-400, 90), min_size=2, max_size=2)))
    return an_exit(
        name,
        certificate=certificate,
        test_kinds=kinds,
        ends=sorted(draw(st.sets(st.sampled_from(KINDS), min_size=1))),
        colours=draw(st.sampled_from([["yellow"], ["red"], ["yellow", "red"]])),
        from_day=draw(st.sampled_from([days[0], days[0], 5, 7, 10, 14]) if days[1] >= 14 else st.just(days[0])),
        until_day=days[1],
    )


@st.composite
def mode_contents(draw: st.DrawFn, label: dict[str, str]) -> dict[str, Any]:
    passing = draw(st.integers(1, 3))
    referred = draw(st.integers(passing, 4))
    return {
        "label": label,
        "passes": list(COLOURS[:passing]),
        "refers": list(COLOURS[passing:referred]),
        "requires": sorted(draw(st.sets(st.sampled_from(["negative_test", "recovery", "vaccination"])))),
        "test_hours": draw(st.integers(1, 336)),
        "measure_temperature": draw(st.booleans()),
    }


@st.composite
def exposure_contents(draw: st.DrawFn) -> dict[str, Any]:
    # Zeros, and few levels, so that rulebooks under which nothing counts are common.
    nothing = {"standard": 0, "high": 0}
    some = draw(st.sets(levels, min_size=1))
    first, second = draw(st.sampled_from(sorted(some))), draw(st.sampled_from(sorted(some)))
    begin = draw(st.integers(0, 28))
    return {
        "attenuation": draw(st.sampled_from(["typical", "minimum"])),
        "thresholds_db": sorted(draw(st.lists(st.integers(0, 255), min_size=3, max_size=3, unique=True))),
        "weights_percent": draw(st.lists(st.just(0) | st.integers(0, 250), min_size=4, max_size=4)),
        "infectiousness": [first] * begin + [second] * (29 - begin),
        "infectiousness_when_unknown": draw(st.sampled_from(sorted(some))),
        "weights_by_report_percent": {word: draw(st.just(nothing) | weights) for word in WORDS},
        "report_type_when_unknown": draw(st.sampled_from(["none", *WORDS])),
        "minimum_window_score_percent": draw(st.just(0) | st.integers(0, 1_000_000)),
        "look_back_days": draw(st.integers(1, 30)),
    }


@st.composite
def rulebook_contents(draw: st.DrawFn) -> dict[str, Any]:
    """The JSON object of a random valid rulebook."""
    languages = sorted(draw(st.sets(st.sampled_from(["de", "en", "fr", "zh-Hant"]), min_size=1)))
    label = {language: draw(st.sampled_from(["one", "two", "three"])) for language in languages}
    begin = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 400)))
    end = begin + timedelta(days=draw(st.integers(0, 1500)))
    yellow_days, yellow_minutes = draw(st.integers(1, 90)), draw(minutes)
    return {
        "format": "ownhue-rulebook-1",
        "region": draw(names),
        "zone": draw(st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin"])),
        "version": draw(st.integers(1, 2**31 - 1)),
        "valid_from": begin.isoformat(),
        "valid_until": end.isoformat(),
        "sunset": (end + timedelta(days=draw(st.integers(0, 900)))).isoformat(),
        "languages": languages,
        "summary": label,
        "exposure": draw(exposure_contents()),
        "encounters": {
            "yellow_minutes_per_day": yellow_minutes,
            "red_minutes_per_day": draw(st.sampled_from([yellow_minutes, min(yellow_minutes + 1, 1440), 1440])),
            "ceiling": draw(st.sampled_from(["yellow", "red"])),
        },
        "stays": {"yellow_days": yellow_days, "red_days": draw(st.integers(yellow_days, 90))},
        "own_results": sorted(draw(st.sets(st.sampled_from(WORDS[:3])))),
        "venues": draw(
            st.dictionaries(
                names,
                st.fixed_dictionaries(
                    {"label": st.just(label), "minimum_minutes": minutes, "colour": st.sampled_from(["yellow", "red"])}
                ),
                max_size=2,
            )
        ),
        "areas": draw(
            st.dictionaries(
                names, st.fixed_dictionaries({"label": st.just(label), "minimum_minutes": minutes}), max_size=2
            )
        ),
        "exits": [draw(exit_contents(name)) for name in sorted(draw(st.sets(names, max_size=3)))],
        "freshness": {"published_data_hours": draw(st.integers(1, 336))},
        "radio": {
            "least_share_percent": draw(st.integers(0, 100)),
            "when_unknown": draw(st.sampled_from(["green", "grey"])),
        },
        "modes": draw(st.dictionaries(names, mode_contents(label), min_size=1, max_size=2)),
    }


rulebooks = rulebook_contents().map(parsed)
