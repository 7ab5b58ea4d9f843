"""A publisher, phones that know its newest head, and a checkpoint, for tests."""

import json
from dataclasses import dataclass, field

from ownhue.code import Statement, encode_code, sign_code
from ownhue.colour import Colour
from ownhue.passes import EpochKey, EpochList, epoch_of
from ownhue.rulebook import Rulebook, rulebook_bytes
from ownhue.rulebook.demonstration import demonstration_rulebook
from ownhue_client.checkpoint import Checkpoint
from tests.client.publisher import AUTHORITY_KEY, ISSUER_KEY, ISSUER_NAME, START, Publisher, document, region
from tests.conformance.scripted import epoch_key, make_pass

REGION = region()
EPOCH = epoch_of(START)
DAY = 86_400


def rulebook_document(rulebook: Rulebook) -> tuple[str, bytes]:
    """The signed document of a rulebook."""
    return document("rulebook", json.loads(rulebook_bytes(rulebook)), AUTHORITY_KEY)


def epochs_document(*keys: EpochKey, issuer: str = ISSUER_NAME) -> tuple[str, bytes]:
    """The signed list of epoch keys."""
    return document("epochs", EpochList(issuer, keys).to_body(), ISSUER_KEY)


KEYS = (epoch_key(EPOCH), epoch_key(EPOCH + 1), epoch_key(EPOCH + 2))


@dataclass
class World:
    """A publisher with a rulebook and epoch keys, and phones that know its newest head."""

    publisher: Publisher = field(default_factory=Publisher)

    def __post_init__(self) -> None:
        if self.publisher.entries:
            return
        self.publisher.close(rulebook_document(demonstration_rulebook()), epochs_document(*KEYS))
        self.publisher.close_many(3)

    @property
    def now(self) -> int:
        return self.publisher.time + 100

    def code(self, label: str = "phone", **changes: object) -> str:
        """A green code made just now against the newest head."""
        fields: dict[str, object] = {
            "time": self.now,
            "colour": int(Colour.GREEN),
            "rulebook_version": 1,
            "tree_size": len(self.publisher.entries),
            "root_prefix": self.publisher.frontier.root()[:8],
        }
        epoch = changes.pop("epoch", EPOCH)
        assert isinstance(epoch, int)
        pass_ = make_pass(label, epoch, name=ISSUER_NAME)
        return encode_code(sign_code(pass_, Statement(**(fields | changes))))  # type: ignore[arg-type]

    def checkpoint(self, **options: object) -> Checkpoint:
        """A checkpoint that has just synchronised."""
        checkpoint = Checkpoint(REGION, fetch=self.publisher.fetch, **options)  # type: ignore[arg-type]
        checkpoint.sync(self.now)
        return checkpoint
