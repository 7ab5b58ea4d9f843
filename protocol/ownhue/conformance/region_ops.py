"""Operations of specs/region.md on vectors: region files, region directories, which regions a phone follows."""

from collections.abc import Callable, Mapping
from typing import Any

from ownhue.encoding import canonical_json
from ownhue.region import parse_region, region_digest
from ownhue.regions import (
    Regions,
    names_this_file,
    open_region_file,
    parse_regions,
    regions_of_body,
    regions_to_follow,
)

Question = Mapping[str, Any]


def _region(question: Question) -> Any:
    region = parse_region(question["text"].encode())
    return {"region": region.model_dump(), "digest": region_digest(region).hex()}


def _directory(question: Question) -> Any:
    return parse_regions(question["text"].encode()).model_dump(mode="json")


def _of(body: Any) -> Regions:
    return regions_of_body(body)


def _open_region_file(question: Question) -> Any:
    entry = _of(question["directory"]).entry(question["region"])
    return open_region_file(entry, question["text"].encode()).model_dump()


def _follow(question: Question) -> Any:
    home = parse_region(canonical_json(question["home"]))
    entries = regions_to_follow(_of(question["directory"]), home, question["visited"])
    return [entry.name for entry in entries]


def _directory_follows(question: Question) -> Any:
    _of(question["later"]).check_follows(_of(question["earlier"]))
    return {}


def _names_this_file(question: Question) -> Any:
    home = parse_region(canonical_json(question["home"]))
    return {"current": names_this_file(_of(question["directory"]), home)}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "region": _region,
    "directory": _directory,
    "open_region_file": _open_region_file,
    "follow": _follow,
    "directory_follows": _directory_follows,
    "names_this_file": _names_this_file,
}
