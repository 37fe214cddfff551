"""Ports: all that streamrec needs of the outside world, as Protocols.

Two families: the trainer and the tools call synchronous ports, in bulk; the servers call asynchronous ones,
a request at a time. Every method may raise `Unavailable`, and `ConfigurationError` when the other side
refuses who we are. An adapter of a server connects at its first use. One contract suite a port, in
`tests/contract`, runs against every adapter.

An offset is the position of a record in its partition; a *next offset* is the position to go on from
(the last offset read, plus one). `Offsets` maps topic -> partition -> next offset.
"""

from streamrec.domain.popularity.ranked_item import RankedItem
from streamrec.domain.similarity.neighbour import Neighbours
from streamrec.ports.batch_lists import BatchListCatalog
from streamrec.ports.experiments import ExperimentCatalog, ExperimentStore, StoredExperiments
from streamrec.ports.item_index import (
    ById,
    ByVector,
    IndexAnswer,
    IndexQuery,
    ItemIndex,
    ItemQuery,
    UsersByProfile,
    VectorSearch,
)
from streamrec.ports.leases import LONGEST_LEASE_S, MAX_TOKEN, Lease, LeaseStore, check_token
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
    Fence,
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
    ItemCatalog,
    Rankings,
    UserProfile,
    UserStore,
)
from streamrec.ports.trainer import (
    AttributionStore,
    CachePublisher,
    ErasureStore,
    IndexLookup,
    KeeperStore,
    Metrics,
    RoleRecord,
    Snapshot,
    TrainerStore,
    UserUpdates,
    VectorTable,
)

__all__ = [
    "AttributionStore",
    "ById",
    "ByVector",
    "ItemQuery",
    "UsersByProfile",
    "BatchListCatalog",
    "COMMANDS",
    "COMPACTED_TOPICS",
    "CachePublisher",
    "DocumentStore",
    "ErasureStore",
    "ExperimentCatalog",
    "ExperimentStore",
    "EventSink",
    "EventSource",
    "Fence",
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
    "Rankings",
    "Record",
    "RoleRecord",
    "Snapshot",
    "StoredExperiments",
    "TrainerStore",
    "USER_VECTORS",
    "UserProfile",
    "UserStore",
    "UserUpdates",
    "VectorSearch",
    "VectorTable",
    "NO_VERSIONS",
    "check_token",
    "earliest",
    "n_between",
]
