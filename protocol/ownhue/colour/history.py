"""History: since when the present colour has been what it is. specs/colour.md section 3

A decision knows the past only through its facts: at any earlier moment, what was known then gave a colour by the same
rulebook. Evidence comes when it is published or learned, and goes when it is withdrawn, denied, cleared or ended by a
certificate; a revoked certificate lets it come back. Grey is no part of it: that data were old once is not kept.

The cost is that of sorting these moments: each group follows its own, adding and taking away single pieces.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from ownhue.colour.exits import Exits
from ownhue.colour.pieces import Group, Level, Piece
from ownhue.colour.words import Colour

_Span = tuple[int, int]


def colour_since(groups: Iterable[Group], exits: Exits, observed_since: int, now: int) -> int:
    """Unix second since which the findings gave the colour that they give at *now*.

    Where it never was another one: *observed_since*, or *now* if that lies later.
    """
    changes: list[tuple[int, Colour, int]] = []
    for group in groups:
        for level in group.levels:
            for begin, end in _active(group, level, exits, now):
                changes += [(begin, level.colour, 1), (end, level.colour, -1)]
    return _last_change(changes, now, min(observed_since, now))


def _last_change(changes: Iterable[tuple[int, Colour, int]], now: int, first: int) -> int:
    """When the most severe of the colours that are on last changed, at or before *now*; *first* if it never did."""
    since, colour, running = first, Colour.GREEN, Counter({Colour.GREEN: 1})
    known = sorted(change for change in changes if change[0] <= now)
    for moment, together in groupby(known, key=itemgetter(0)):
        for _, item, count in together:
            running[item] += count
        worst = max(item for item, count in running.items() if count)
        if worst != colour:
            since, colour = moment, worst
    return since


def _active(group: Group, level: Level, exits: Exits, now: int) -> Iterator[_Span]:
    """Times (begin, end exclusive) at which what was known reached the level and its stay had not ended."""
    meter, begin, over = group.new_meter(), None, level.until + 1
    for moment, together in groupby(_comings_and_goings(group, level, exits, now), key=itemgetter(0)):
        for _, comes, piece in together:
            (meter.add if comes else meter.remove)(piece)
        reached = moment < over and meter.value() >= level.needed
        if reached and begin is None:
            begin = moment
        elif not reached and begin is not None:
            yield begin, min(moment, over)
            begin = None
    if begin is not None:
        yield begin, over


def _comings_and_goings(group: Group, level: Level, exits: Exits, now: int) -> list[tuple[int, bool, Piece]]:
    """In order of time: from when on each piece counted, and from when on it no longer did. Only up to *now*."""
    fitting = exits.of(group.kind, group.day, level.colour)
    moves = []
    for piece in group.pieces:
        if piece.never is None:
            for begin, end in _counted(piece, sorted(item.span(piece.known_at) for item in fitting)):
                moves += [(begin, True, piece), (end, False, piece)]
    return sorted((move for move in moves if move[0] <= now), key=itemgetter(0, 1))


def _counted(piece: Piece, ended: Iterable[_Span]) -> Iterator[_Span]:
    """When *piece* counted, outside the times (in order) for which certificates took it away."""
    begin, gone = piece.known_at, piece.gone_at
    for end, back in ended:
        if begin < min(end, gone):
            yield begin, min(end, gone)
        begin = max(begin, back)
    if begin < gone:
        yield begin, gone
