"""Area notices: one spelling, signatures, time and region. specs/area.md sections 2 and 3"""

import hashlib
import json
from typing import Any

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from ownhue.area_notice import (
    AREA_RESOLUTIONS,
    MAX_AREA_CELLS,
    MAX_AREA_NOTICE_BYTES,
    AreaNotice,
    open_area_notice,
    parse_area_notice,
    sign_area_notice,
)
from ownhue.cells import cell_of, format_cell
from ownhue.encoding import canonical_json
from ownhue.errors import FormatError, LimitError, OwnhueError, VerificationError

FIRST, SECOND = SigningKey(bytes(32)), SigningKey(b"\x01" * 32)
KEYS = [bytes(key.verify_key) for key in (FIRST, SECOND)]
HOME = cell_of(46_948_000, 7_447_400, 7)
END = 1_767_715_200


def notice(**changes: Any) -> AreaNotice:
    plain: dict[str, Any] = {
        "region": "demo",
        "rule": "outbreak",
        "cells": (HOME,),
        "start": END - 14_400,
        "end": END,
        "minimum_minutes": 60,
        "reason": {"en": "Outbreak at the station market"},
    }
    return AreaNotice(**plain | changes)


def opened(data: bytes, published_at: int = END, threshold: int = 1, region: str = "demo") -> AreaNotice:
    return open_area_notice(data, KEYS, region=region, published_at=published_at, threshold=threshold)


_CELLS = st.integers(*AREA_RESOLUTIONS).flatmap(
    lambda resolution: st.lists(
        st.builds(
            cell_of,
            st.integers(-90_000_000, 90_000_000),
            st.integers(-180_000_000, 180_000_000),
            st.just(resolution),
        ),
        min_size=1,
        max_size=MAX_AREA_CELLS,
    )
)
_NOTICES = st.builds(
    lambda cells, start, length, share, text: notice(
        cells=tuple(sorted(set(cells))),
        start=start,
        end=start + length,
        minimum_minutes=1 + (length // 60 - 1) * share // 100,
        reason={"en": text},
    ),
    _CELLS,
    st.integers(0, 2**32),
    st.integers(60, 86_400),
    st.integers(0, 100),
    st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable()),
)


@given(_NOTICES, st.sampled_from([(FIRST,), (SECOND,), (FIRST, SECOND)]))
def test_what_is_signed_is_opened(made: AreaNotice, signers: tuple[SigningKey, ...]) -> None:
    data = sign_area_notice(made, *signers)
    assert opened(data, made.end, len(signers)) == made
    body = json.loads(data)["signed"]
    assert made.digest == hashlib.sha256(canonical_json(body)).digest()
    assert parse_area_notice(canonical_json(body)) == made


def test_the_digest_is_of_the_content_and_not_of_who_signed() -> None:
    alone, together = sign_area_notice(notice(), FIRST), sign_area_notice(notice(), FIRST, SECOND)
    assert alone != together
    assert opened(alone).digest == opened(together).digest
    assert notice(rule="other").digest != notice().digest


def test_one_person_is_not_enough_where_two_are_asked_for() -> None:
    with pytest.raises(VerificationError, match="1 of 2"):
        opened(sign_area_notice(notice(), FIRST), threshold=2)
    with pytest.raises(VerificationError, match="1 of 2"):
        opened(sign_area_notice(notice(), FIRST, SigningKey(b"\x02" * 32)), threshold=2)
    assert opened(sign_area_notice(notice(), FIRST, SECOND), threshold=2) == notice()


def test_a_notice_speaks_of_a_past_that_phones_remember() -> None:
    data, oldest = sign_area_notice(notice(), FIRST), END - 14_400 + 14 * 86_400
    assert opened(data, END) == opened(data, oldest) == notice()
    with pytest.raises(VerificationError, match="after its publication"):
        opened(data, END - 1)
    with pytest.raises(VerificationError, match="forgotten"):
        opened(data, oldest + 1)
    with pytest.raises(VerificationError, match="another region"):
        opened(data, region="elsewhere")


@pytest.mark.parametrize(
    "changes",
    [
        {"cells": ()},
        {"cells": (HOME, HOME)},
        {"cells": tuple(sorted(h3.grid_disk(HOME, 1), reverse=True))},
        {"cells": tuple(sorted(h3.grid_disk(HOME, 8)))},
        {"cells": (HOME, h3.cell_to_center_child(HOME, 8))},
        {"cells": (h3.cell_to_parent(HOME, 4),)},
        {"cells": (h3.cell_to_center_child(HOME, 10),)},
        {"cells": (0,)},
        {"cells": (HOME + 1,)},
        {"end": END - 14_400},
        {"start": END - 86_401},
        {"start": -1},
        {"minimum_minutes": 0},
        {"minimum_minutes": 241},
        {"reason": {}},
        {"reason": {"en": "x" * 501}},
        {"reason": {"English": "Outbreak"}},
        {"region": "Demo"},
        {"rule": ""},
        {"rule": "outbreak\n"},
    ],
)
def test_a_notice_that_makes_no_sense_cannot_be_made(changes: dict[str, Any]) -> None:
    # Constructed by us, a contradiction is a ValueError of pydantic; read from others it is ours.
    with pytest.raises((ValueError, FormatError)):
        notice(**changes)
    body = notice().body | {name: value for name, value in changes.items() if name != "cells"}
    if "cells" in changes:
        body["cells"] = [f"{cell:x}" for cell in changes["cells"]]
    with pytest.raises(FormatError):
        parse_area_notice(canonical_json(body))


def test_the_longest_notice_of_the_limits_and_one_that_is_longer() -> None:
    cells = tuple(sorted(h3.grid_disk(HOME, 8)))[:MAX_AREA_CELLS]
    assert opened(sign_area_notice(notice(cells=cells), FIRST)).cells == cells
    languages = [f"{a}{b}" for a in "abcd" for b in "efghi"]
    with pytest.raises(LimitError):
        sign_area_notice(notice(cells=cells, reason=dict.fromkeys(languages, "字" * 500)), FIRST)
    with pytest.raises(LimitError):
        opened(sign_area_notice(notice(), FIRST) + b" " * MAX_AREA_NOTICE_BYTES)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(canonical_json))
def test_any_bytes_are_refused_by_our_errors(data: bytes) -> None:
    with pytest.raises(OwnhueError):
        opened(data)
    with pytest.raises(OwnhueError):
        parse_area_notice(data)


@given(_NOTICES, st.data())
def test_a_changed_byte_is_refused(made: AreaNotice, draw: st.DataObject) -> None:
    data = bytearray(sign_area_notice(made, FIRST))
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= draw.draw(st.integers(1, 255))
    with pytest.raises(OwnhueError):
        opened(bytes(data), made.end)


def test_no_field_could_hold_a_person() -> None:
    assert set(AreaNotice.model_fields) == {
        "format",
        "region",
        "rule",
        "cells",
        "start",
        "end",
        "minimum_minutes",
        "reason",
    }
    assert format_cell(notice().cells[0]) in sign_area_notice(notice(), FIRST).decode()
