"""What streamrec needs of the outside world, as Protocols.

Two families: the trainer and the tools call synchronous ports, in bulk; the servers call asynchronous ones,
a request at a time. Every method may raise `Unavailable`, and `ConfigurationError` when the other side
refuses who we are. An adapter of a server connects at its first use. One contract suite a port, in
`tests/contract`, runs against every adapter.

An offset is the place of a record in its partition; a *next offset* is the place to go on from
(the last offset read, plus one). `Offsets` maps topic -> partition -> next offset.
"""

from streamrec.domain.neighbour import Neighbours
from streamrec.domain.ranked_item import RankedItem
from streamrec.domain.user import RankedUser
from streamrec.ports.logs import (
    COMMANDS,
    COMPACTED_TOPICS,
    IMPRESSIONS,
    INTERACTIONS,
    ITEM_VECTORS,
    PROBES,
    REJECTED,
    USER_VECTORS,
    EventSink,
    EventSource,
    Mark,
    Message,
    Offsets,
    Record,
    earliest,
    n_between,
)
from streamrec.ports.servers import (
    NO_VERSIONS,
    DocumentStore,
    HotCache,
    IndexAnswer,
    IndexQuery,
    ItemCatalog,
    ItemIndex,
    Rankings,
    UserAnswer,
    UserProfile,
    UserQuery,
    UserStore,
    VectorSearch,
)
from streamrec.ports.trainer import (
    LONGEST_LEASE_S,
    MAX_TOKEN,
    CachePublisher,
    ErasureStore,
    IndexLookup,
    KeeperStore,
    Lease,
    LeaseStore,
    Metrics,
    RoleRecord,
    Snapshot,
    TrainerStore,
    UserUpdates,
    VectorTable,
    check_token,
)

__all__ = [
    "COMMANDS",
    "COMPACTED_TOPICS",
    "CachePublisher",
    "DocumentStore",
    "ErasureStore",
    "EventSink",
    "EventSource",
    "HotCache",
    "IMPRESSIONS",
    "INTERACTIONS",
    "ITEM_VECTORS",
    "LONGEST_LEASE_S",
    "MAX_TOKEN",
    "IndexAnswer",
    "IndexLookup",
    "IndexQuery",
    "ItemCatalog",
    "ItemIndex",
    "KeeperStore",
    "Lease",
    "LeaseStore",
    "Mark",
    "Message",
    "Metrics",
    "Neighbours",
    "Offsets",
    "PROBES",
    "REJECTED",
    "RankedItem",
    "RankedUser",
    "Rankings",
    "Record",
    "RoleRecord",
    "Snapshot",
    "TrainerStore",
    "USER_VECTORS",
    "UserAnswer",
    "UserProfile",
    "UserQuery",
    "UserStore",
    "UserUpdates",
    "VectorSearch",
    "VectorTable",
    "NO_VERSIONS",
    "check_token",
    "earliest",
    "n_between",
]
