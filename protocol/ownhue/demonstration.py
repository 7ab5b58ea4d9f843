"""The demonstration rulebooks: what `make demo` and the tests run with. specs/rulebook.md section 4

Nobody's policy. Where the numbers come from:

- bands up to 55, 63 and 70 dB, and 40 % for the third: the "Narrower Net" settings of the Linux Foundation Public
  Health's GAEN risk scoring group. Their weight of 150 % for the first band is 100 % here, so that a minute
  face to face (about 50 dB) is one minute and can be checked with a clock;
- infectiousness from 4 days before onset to 5 days after, high from -2 to +3, 30 % and 100 %: their "Narrow Net v2";
- 15 minutes a day: the definition of a close contact of WHO and ECDC (15 minutes within 24 hours);
- 7 days yellow and 14 days red: the Alipay health code as it was introduced in Hangzhou in February 2020;
- 60 minutes for red, and that Bluetooth alone never makes red: ours (see specs/rulebook.md section 5).
"""

from datetime import date

from ownhue.rulebook import Rulebook
from ownhue.rules import (
    ONSET_RANGE,
    EncounterRules,
    ExposureRules,
    Freshness,
    Infectiousness,
    InfectiousnessWeights,
    Mode,
    Radio,
    ReportTypeWeights,
    Stays,
)

_SUMMARY = {
    "de": "Wer an einem Tag mindestens 15 Minuten nahe bei Menschen war, die positiv getestet wurden, ist bis zum Ende "
    "des siebten Tages danach gelb. Wer selbst positiv getestet wurde, ist bis zum Ende des vierzehnten Tages nach dem "
    "Test rot. Bluetooth allein macht niemanden rot. Jede Farbe endet von selbst.",
    "en": "Who was close to people who tested positive for at least 15 minutes of one day is yellow until the end of "
    "the seventh day after it. Who tested positive is red until the end of the fourteenth day after the test. "
    "Bluetooth alone makes nobody red. Every colour ends by itself.",
    "zh": "一天之内与检测阳性者近距离接触满15分钟，变为黄码，至该日之后第七天结束。本人检测阳性，变为红码，"
    "至检测日之后第十四天结束。仅凭蓝牙记录不会变为红码。每种颜色都会自动结束。",
}

_SUMMARY_WITHOUT_CEILINGS = {
    "de": "Wie das Vorführbuch, aber schon 20 Minuten an einem Tag nahe bei positiv Getesteten machen auch ohne "
    "eigenen Test rot, bis zum Ende des vierzehnten Tages danach. Zum Vergleich; nicht zur Anwendung.",
    "en": "As the demonstration book, but 20 minutes of one day close to people who tested positive make red without "
    "an own test, until the end of the fourteenth day after it. For comparison; not for use.",
    "zh": "与演示规则相同，但一天之内与检测阳性者近距离接触满20分钟，本人未检测也变为红码，"
    "至该日之后第十四天结束。仅供比较，不供使用。",
}

_MODES = {
    "clinic": Mode(
        label={"de": "Praxis und Klinik", "en": "Clinic", "zh": "医院"},
        passes=("green",),
        refers=("grey", "yellow", "red"),
    ),
    "metro": Mode(
        label={"de": "U-Bahn", "en": "Metro", "zh": "地铁"},
        passes=("green",),
        refers=("grey",),
    ),
}


def demonstration_rulebook() -> Rulebook:
    """Version 1: Bluetooth makes yellow at most."""
    return Rulebook(
        format="ownhue-rulebook-1",
        region="demo",
        zone="Asia/Shanghai",
        version=1,
        valid_from=date(2026, 1, 1),
        valid_until=date(2029, 12, 31),
        sunset=date(2030, 12, 31),
        summary=_SUMMARY,
        exposure=_exposure_rules(),
        encounters=EncounterRules(yellow_minutes_per_day=15, red_minutes_per_day=60, ceiling="yellow"),
        stays=Stays(yellow_days=7, red_days=14),
        own_results=("confirmed_clinical", "confirmed_test"),
        freshness=Freshness(published_data_hours=24),
        radio=Radio(least_share_percent=50, when_unknown="green"),
        modes=_MODES,
    )


def without_ceilings() -> Rulebook:
    """Version 2: without the ceiling and with red from 20 minutes, to see what the other keeps from happening."""
    book = demonstration_rulebook()
    encounters = book.encounters.model_copy(update={"ceiling": "red", "red_minutes_per_day": 20})
    return book.model_copy(update={"version": 2, "encounters": encounters, "summary": _SUMMARY_WITHOUT_CEILINGS})


def _exposure_rules() -> ExposureRules:
    return ExposureRules(
        attenuation="typical",
        thresholds_db=(55, 63, 70),
        weights_percent=(100, 100, 40, 0),
        infectiousness=tuple(_level(day) for day in range(-ONSET_RANGE, ONSET_RANGE + 1)),
        infectiousness_when_unknown="none",
        infectiousness_weights_percent=InfectiousnessWeights(standard=30, high=100),
        report_type_weights_percent=ReportTypeWeights(
            confirmed_test=100, confirmed_clinical=100, self_report=0, recursive=0
        ),
        report_type_when_unknown="none",
        minimum_window_score_percent=0,
        look_back_days=14,
    )


def _level(days_since_onset: int) -> Infectiousness:
    if -2 <= days_since_onset <= 3:
        return "high"
    return "standard" if -4 <= days_since_onset <= 5 else "none"
