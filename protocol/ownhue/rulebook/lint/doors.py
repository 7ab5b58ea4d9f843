"""What the linter says of dates, freshness, radio, checkpoints and texts. specs/rulebook.md section 8"""

from collections.abc import Iterator
from datetime import timedelta

from ownhue.params import BATCH_SECONDS
from ownhue.rulebook import Rulebook
from ownhue.rulebook.lint.remark import Remark
from ownhue.rulebook.rules import MAX_VERSION, Mode

#: A rulebook in force for longer is told of, in days.
_YEAR = 366
#: With fewer versions left a region soon cannot change its rules any more.
_LEAST_FOLLOWING = 1000
#: Fewer letters are no summary, not even in Chinese.
_LEAST_SUMMARY = 20
_REFERS, _REFUSES = 1, 2


def remarks_on_doors(rulebook: Rulebook) -> Iterator[Remark]:
    """All remarks on when a rulebook decides, what it takes for established, and what checkpoints do."""
    yield from _remarks_on_dates(rulebook)
    yield from _remarks_on_freshness(rulebook)
    yield from _remarks_on_radio(rulebook)
    for name, mode in rulebook.modes.items():
        yield from _remarks_on_mode(name, mode)
    yield from _remarks_on_texts(rulebook)


def _remarks_on_dates(rulebook: Rulebook) -> Iterator[Remark]:
    following = MAX_VERSION - rulebook.version
    if following < _LEAST_FOLLOWING:
        sentence = f"Only {following} later versions can ever replace it, since no version is above {MAX_VERSION}."
        yield Remark("warning", "version", sentence)
    days = (rulebook.valid_until - rulebook.valid_from).days + 1
    left = (rulebook.sunset - rulebook.valid_until).days
    if left:
        sentence = (
            f"From {rulebook.valid_until + timedelta(days=1)} to the sunset, {left} days, every phone is grey unless a "
            "next version is published."
        )
        yield Remark("note", "valid_until", sentence)
    if days > _YEAR:
        yield Remark("note", "valid_until", f"It decides for {days} days before anybody has to renew it.")
    if days <= rulebook.stays.red_days:
        sentence = f"It decides for {days} days, and a red stay of {rulebook.stays.red_days} days outlives it."
        yield Remark("warning", "valid_until", sentence)
    if rulebook.zone.split("/")[0] in {"Etc", "UTC", "GMT", "Zulu"}:
        yield Remark("note", "zone", f"Days begin and end by {rulebook.zone}, wherever people live.")


def _remarks_on_freshness(rulebook: Rulebook) -> Iterator[Remark]:
    hours, at = rulebook.freshness.published_data_hours, "freshness.published_data_hours"
    batch = BATCH_SECONDS // 3600
    if hours < batch:
        yield Remark("error", at, f"Green phones turn grey between two batches, which are {batch} hours apart.")
    elif hours < 2 * batch:
        yield Remark(
            "warning", at, f"One batch that comes late turns every green phone grey: batches are {batch} hours apart."
        )
    if hours > 24 * rulebook.stays.yellow_days:
        sentence = "A phone may hear nothing for longer than a whole yellow stay and still be green."
        yield Remark("warning", at, sentence)


def _remarks_on_radio(rulebook: Rulebook) -> Iterator[Remark]:
    radio = rulebook.radio
    if radio.least_share_percent == 0:
        yield Remark(
            "warning",
            "radio.least_share_percent",
            "Switching Bluetooth off helps: a phone that never listens is green.",
        )
    if radio.least_share_percent > 90:
        sentence = f"A phone that misses more than {100 - radio.least_share_percent} scans in a hundred is grey."
        yield Remark("warning", "radio.least_share_percent", sentence)
    if radio.when_unknown == "grey":
        yield Remark("note", "radio.when_unknown", "A new phone is grey until its first planned scan.")


def _remarks_on_mode(name: str, mode: Mode) -> Iterator[Remark]:
    at = f"modes.{name}"
    if "grey" in mode.passes:
        sentence = (
            f"At {name!r} grey passes, so that switching Bluetooth off, or staying offline before bad news, helps."
        )
        yield Remark("warning", f"{at}.passes", sentence)
    if "yellow" in mode.passes:
        yield Remark("note", f"{at}.passes", f"At {name!r} yellow passes: only red is stopped.")
    if mode.treatment("grey") == _REFUSES:
        sentence = f"At {name!r} grey is refused, so that an outage, or a lost radio, locks people out."
        yield Remark("warning", f"{at}.refers", sentence)
    if mode.treatment("red") == _REFERS and mode.treatment("grey") == _REFERS:
        sentence = f"At {name!r} nobody is refused: everybody who is not green is sent to the staff."
        yield Remark("note", f"{at}.refers", sentence)
    if mode.requires and "negative_test" not in mode.requires:
        sentence = f"At {name!r} nobody enters by a test: only people with {' or '.join(mode.requires)} do."
        yield Remark("warning", f"{at}.requires", sentence)
    if mode.requires == ("negative_test",):
        sentence = f"At {name!r} everybody needs a negative test of the last {mode.test_hours} hours."
        yield Remark("note", f"{at}.requires", sentence)


def _remarks_on_texts(rulebook: Rulebook) -> Iterator[Remark]:
    if len(rulebook.languages) == 1:
        yield Remark("note", "languages", f"The rules are written in one language only: {rulebook.languages[0]}.")
    texts = list(rulebook.summary.items())
    for index, (language, text) in enumerate(texts):
        if len(text.strip()) < _LEAST_SUMMARY:
            yield Remark("warning", f"summary.{language}", f"The summary in {language!r} says next to nothing.")
        for other, other_text in texts[:index]:
            if text == other_text:
                sentence = f"The summaries in {other!r} and {language!r} are the same text."
                yield Remark("warning", f"summary.{language}", sentence)
    for language in rulebook.languages:
        labels = [mode.label[language] for mode in rulebook.modes.values()]
        if len(set(labels)) < len(labels):
            yield Remark("warning", "modes", f"Two kinds of checkpoints have the same label in {language!r}.")
