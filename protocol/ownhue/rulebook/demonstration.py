"""The demonstration rulebooks: what `make demo` and the tests run with. specs/rulebook.md section 4

Nobody's policy. Where the numbers come from:

- bands up to 55, 63 and 70 dB, and 40 % for the third: the "Narrower Net" settings of the Linux Foundation Public
  Health's GAEN risk scoring group. Their weight of 150 % for the first band is 100 % here, so that a minute
  face to face (about 50 dB) is one minute and can be checked with a clock;
- infectiousness from 4 days before onset to 5 days after, high from -2 to +3, 30 % and 100 %: their "Narrow Net v2";
- 15 minutes a day, and at a venue: the definition of a close contact of WHO and ECDC (15 minutes within 24 hours);
- 7 days yellow and 14 days red: the Alipay health code as it was introduced in Hangzhou in February 2020;
- a PCR test from day 5 ends the quarantine of a contact: German federal states, September 2021; from day 7 the
  isolation of somebody who tested positive: decision of the German federal and state governments, 7 January 2022;
- a recovery counts from day 11 to day 180, a vaccination from day 14: Regulation (EU) 2021/953 and the Council's
  recommendation (EU) 2021/912;
- 60 minutes for red and in an area, 365 days for a vaccination, 48 hours for a test at a door, and that Bluetooth alone
  never makes red: ours (see specs/rulebook.md section 5).
"""

from datetime import date

from ownhue.rulebook import Rulebook
from ownhue.rulebook.rules import (
    ONSET_RANGE,
    AreaRule,
    EncounterRules,
    ExitRule,
    ExposureRules,
    Freshness,
    Infectiousness,
    LevelWeights,
    Mode,
    Radio,
    ReportWeights,
    Stays,
    VenueRule,
)

_SUMMARY = {
    "de": "Wer an einem Tag mindestens 15 Minuten nahe bei Menschen war, die positiv getestet wurden, oder so lange an "
    "einem Ort, vor dem gewarnt wurde, oder eine Stunde in einem betroffenen Gebiet, ist bis zum Ende des siebten "
    "Tages danach gelb. Wer selbst positiv getestet wurde, ist bis zum Ende des vierzehnten Tages nach dem Test rot. "
    "Bluetooth allein macht niemanden rot, ein Gebiet auch nicht. Gelb endet früher mit einem negativen PCR-Test ab "
    "dem fünften Tag; wer in den sechs Monaten davor genesen oder in dem Jahr davor vollständig geimpft ist, wird "
    "davon frei. Rot endet früher mit einem negativen PCR-Test ab dem siebten Tag. Jede Farbe endet von selbst.",
    "en": "Who was close to people who tested positive for at least 15 minutes of one day, or so long at a place that "
    "was warned of, or an hour in an affected area, is yellow until the end of the seventh day after it. Who tested "
    "positive is red until the end of the fourteenth day after the test. Bluetooth alone makes nobody red, nor does an "
    "area. Yellow ends earlier with a negative PCR test from the fifth day on; who recovered in the six months before "
    "it, or was fully vaccinated in the year before it, is freed of it. Red ends earlier with a negative PCR test from "
    "the seventh day on. Every colour ends by itself.",
    "zh": "一天之内与检测阳性者近距离接触满15分钟，或在被通报的场所停留满15分钟，或在受影响区域停留满一小时，变为黄码，"
    "至该日之后第七天结束。本人检测阳性，变为红码，至检测日之后第十四天结束。仅凭蓝牙记录或区域通报不会变为红码。"
    "第五天起核酸检测阴性，黄码提前结束；此前六个月内康复或一年内完成疫苗接种者，免除黄码。"
    "第七天起核酸检测阴性，红码提前结束。每种颜色都会自动结束。",
}

_SUMMARY_WITHOUT_CEILINGS = {
    "de": "Wie das Vorführbuch, aber schon 20 Minuten an einem Tag nahe bei positiv Getesteten machen auch ohne "
    "eigenen Test rot, bis zum Ende des vierzehnten Tages danach, und kein Nachweis beendet das früher. "
    "Zum Vergleich; nicht zur Anwendung.",
    "en": "As the demonstration book, but 20 minutes of one day close to people who tested positive make red without "
    "an own test, until the end of the fourteenth day after it, and no certificate ends that earlier. "
    "For comparison; not for use.",
    "zh": "与演示规则相同，但一天之内与检测阳性者近距离接触满20分钟，本人未检测也变为红码，"
    "至该日之后第十四天结束，任何证明都不能使其提前结束。仅供比较，不供使用。",
}

_VENUES = {
    "indoor": VenueRule(
        label={"de": "Innenraum", "en": "Indoor venue", "zh": "室内场所"}, minimum_minutes=15, colour="yellow"
    ),
}

_AREAS = {
    "outbreak": AreaRule(
        label={"de": "Gebiet mit Ausbruch", "en": "Outbreak area", "zh": "疫情区域"}, minimum_minutes=60
    ),
}

_EXITS = (
    ExitRule(
        name="negative-pcr",
        certificate="negative_test",
        test_kinds=("naat",),
        ends=("area", "encounter", "venue"),
        colours=("yellow",),
        from_day=5,
        until_day=90,
    ),
    ExitRule(
        name="recovered",
        certificate="recovery",
        test_kinds=(),
        ends=("area", "encounter", "venue"),
        colours=("yellow",),
        from_day=-180,
        until_day=-11,
    ),
    ExitRule(
        name="test-out",
        certificate="negative_test",
        test_kinds=("naat",),
        ends=("own_result",),
        colours=("red",),
        from_day=7,
        until_day=90,
    ),
    ExitRule(
        name="vaccinated",
        certificate="vaccination",
        test_kinds=(),
        ends=("area", "encounter", "venue"),
        colours=("yellow",),
        from_day=-365,
        until_day=-14,
    ),
)

_MODES = {
    "care-home": Mode(
        label={"de": "Pflegeheim", "en": "Care home", "zh": "养老院"},
        passes=("green",),
        refers=("grey", "yellow"),
        requires=("negative_test", "recovery", "vaccination"),
        test_hours=48,
        measure_temperature=True,
    ),
    "clinic": Mode(
        label={"de": "Praxis und Klinik", "en": "Clinic", "zh": "医院"},
        passes=("green",),
        refers=("grey", "yellow", "red"),
        requires=(),
        test_hours=48,
        measure_temperature=False,
    ),
    "metro": Mode(
        label={"de": "U-Bahn", "en": "Metro", "zh": "地铁"},
        passes=("green",),
        refers=("grey",),
        requires=(),
        test_hours=48,
        measure_temperature=False,
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
        languages=("de", "en", "zh"),
        summary=_SUMMARY,
        exposure=_exposure_rules(),
        encounters=EncounterRules(yellow_minutes_per_day=15, red_minutes_per_day=60, ceiling="yellow"),
        stays=Stays(yellow_days=7, red_days=14),
        own_results=("confirmed_clinical", "confirmed_test"),
        venues=_VENUES,
        areas=_AREAS,
        exits=_EXITS,
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
        weights_by_report_percent=ReportWeights(
            confirmed_test=LevelWeights(standard=30, high=100),
            confirmed_clinical=LevelWeights(standard=30, high=100),
            self_report=LevelWeights(standard=0, high=0),
            recursive=LevelWeights(standard=0, high=0),
        ),
        report_type_when_unknown="none",
        minimum_window_score_percent=0,
        look_back_days=14,
    )


def _level(days_since_onset: int) -> Infectiousness:
    if -2 <= days_since_onset <= 3:
        return "high"
    return "standard" if -4 <= days_since_onset <= 5 else "none"
