"""Region directory: which other regions there are, and by what a phone knows them. specs/region.md section 3

    {"format":"ownhue-regions-1","home":"demo","languages":["en"],"regions":[{"labels":{"en":"Demo"},"name":"demo",
     "region_sha256":"5d1f...","root_keys":["34f0..."],"root_threshold":1,"urls":["https://demo..."]}],"version":1}

- Each region publishes one directory, the signed document "regions". A phone reads its home region's and no other.
- An entry names a region file by its SHA-256; what the file says holds only when it is that file.
- The home region's rulebook decides; other regions add published keys and notices, never rules.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ownhue.encoding import canonical_json
from ownhue.errors import ForkError, LimitError, StateError, VerificationError
from ownhue.records import Record, parse_record, record_bytes
from ownhue.region import Region, parse_region, region_digest

#: Longest directory in bytes, without its signatures. specs/region.md section 3
MAX_DIRECTORY_BYTES = 524_288
#: Most regions of a directory. specs/region.md section 3
MAX_REGIONS = 256
#: Most addresses of one region. specs/region.md section 3
MAX_URLS = 8
#: Most root keys of one region. specs/region.md section 3
MAX_ROOT_KEYS = 16
#: Most regions beside the home region that a phone follows at once. specs/region.md section 5
MAX_VISITED = 8

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Label = Annotated[str, Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(pattern=r"^https?://[!-~]{0,199}[!-.0-~]$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RegionEntry(Record):
    """What a directory says of one region."""

    name: Name
    """Short name, as in the region's own file."""
    labels: dict[Language, Label]
    """Its name for people, by language."""
    urls: Annotated[tuple[Url, ...], Field(min_length=1, max_length=MAX_URLS)]
    """Where it publishes, in the order in which to try; no slash at the end."""
    region_sha256: Digest
    """SHA-256 of its region file."""
    root_keys: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=MAX_ROOT_KEYS)]
    """Ids of the root keys of its trust metadata, in alphabetical order."""
    root_threshold: Annotated[int, Field(ge=1, le=MAX_ROOT_KEYS)]
    """How many of them have to sign."""

    @field_validator("urls")
    @classmethod
    def _each_once(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(urls)) < len(urls):
            raise ValueError("an address occurs twice")
        return urls

    @field_validator("root_keys")
    @classmethod
    def _sorted(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if list(keys) != sorted(set(keys)):
            raise ValueError("root keys stand once each, in alphabetical order")
        return keys

    @model_validator(mode="after")
    def _enough_keys(self) -> Self:
        if self.root_threshold > len(self.root_keys):
            raise ValueError("more signatures than root keys are asked for")
        return self


class Regions(Record):
    """A directory. Values of others come through :func:`parse_regions`."""

    format: Literal["ownhue-regions-1"]
    """Name of this format."""
    home: Name
    """The region that publishes this directory."""
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """Grows with every directory of the region."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=50)]
    """Languages of all labels, in alphabetical order."""
    regions: Annotated[tuple[RegionEntry, ...], Field(min_length=1, max_length=MAX_REGIONS)]
    """By name, the home region among them."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [entry.name for entry in self.regions]
        if names != sorted(set(names)) or self.home not in names:
            raise ValueError("regions stand once each, in alphabetical order, with the home region")
        if list(self.languages) != sorted(set(self.languages)):
            raise ValueError("languages stand once each, in alphabetical order")
        if any(sorted(entry.labels) != list(self.languages) for entry in self.regions):
            raise ValueError("every label has exactly the languages of the directory")
        return self

    def entry(self, name: str) -> RegionEntry:
        """The entry of the region *name*. Raises StateError when the directory has none."""
        for entry in self.regions:
            if entry.name == name:
                return entry
        raise StateError("the home region's directory does not know this region")

    def check_follows(self, earlier: "Regions") -> None:
        """Raises VerificationError when *earlier* is newer or of another region, ForkError for a version said twice."""
        if self.home != earlier.home or self.version < earlier.version:
            raise VerificationError("the directory is older than the one that is known, or of another region")
        if self.version == earlier.version and self != earlier:
            raise ForkError(f"directory {self.version} was published with two contents")


def regions_bytes(regions: Regions) -> bytes:
    """The directory's canonical JSON: the body of the signed document "regions"."""
    return record_bytes(regions)


def parse_regions(data: bytes) -> Regions:
    """The directory of *data*. Raises LimitError, or FormatError naming the wrong fields."""
    return parse_record(Regions, data, "a region directory", MAX_DIRECTORY_BYTES)


def regions_of_body(body: Mapping[str, Any]) -> Regions:
    """The directory of a signed document's body. Raises as :func:`parse_regions`."""
    return parse_regions(canonical_json(dict(body)))


def open_region_file(entry: RegionEntry, data: bytes) -> Region:
    """The region that *entry* names, of its region file. Steps of specs/region.md section 4.

    Raises VerificationError for another file, FormatError for one that is none.
    """
    if sha256(data).hexdigest() != entry.region_sha256:  # (1): it is the file that the directory names
        raise VerificationError("not the region file that the directory names")
    region = parse_region(data)  # (2): it is a region file
    if region.name != entry.name or region.url not in entry.urls:  # (3): of the region that it is listed as
        raise VerificationError("the region file is of another region than the directory says")
    return region


def regions_to_follow(directory: Regions, home: Region, visited: Collection[str]) -> tuple[RegionEntry, ...]:
    """Entries of the *visited* regions (names chosen by the owner) that a phone of *home* follows besides its own.

    specs/region.md section 5. The home region is not among them: its own file wins over what any directory says. Nor is
    a region that the directory does not list (any more). Raises LimitError, VerificationError for another region's
    directory.
    """
    if directory.home != home.name:
        raise VerificationError("a directory counts in its own region only")
    names = sorted(set(visited) - {home.name})
    if len(names) > MAX_VISITED:
        raise LimitError(f"a phone follows at most {MAX_VISITED} other regions")
    return tuple(entry for entry in directory.regions if entry.name in names)


def names_this_file(directory: Regions, home: Region) -> bool:
    """Whether the home region's directory still names the region file that is installed.

    False: the region has a new one. The phone says so and goes on with its own; a download never replaces it.
    """
    return directory.entry(home.name).region_sha256 == region_digest(home).hex()
