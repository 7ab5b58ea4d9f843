"""The citizen's device: own keys, sealed history, publication, colour, code and report.

from ownhue_client.phone import Phone, why

with Phone.create(directory, region, random=os.urandom, http_client=client, now=now) as phone:
    phone.sync(now)
    print("\\n".join(why(phone.decide(now))))
"""

from ownhue_client.phone.certificates import KeptCertificate
from ownhue_client.phone.changes import Notice, worth_telling
from ownhue_client.phone.clearances import KeptClearance
from ownhue_client.phone.device import Phone
from ownhue_client.phone.door import RefusedError
from ownhue_client.phone.ledger import LedgerLine
from ownhue_client.phone.periods import ReportPeriod
from ownhue_client.phone.places import Place
from ownhue_client.phone.posting import ReportStatus
from ownhue_client.phone.settings import Settings
from ownhue_client.phone.shown_code import ShownCode
from ownhue_client.phone.sync import RegionResult, SyncResult
from ownhue_client.phone.visits import Visit
from ownhue_client.phone.why import why

__all__ = [
    "KeptCertificate",
    "KeptClearance",
    "LedgerLine",
    "Notice",
    "Phone",
    "Place",
    "RefusedError",
    "RegionResult",
    "ReportPeriod",
    "ReportStatus",
    "Settings",
    "ShownCode",
    "SyncResult",
    "Visit",
    "why",
    "worth_telling",
]
