"""All decoders of bytes that another process or a file brings: one row each.

A new decoder is one row here: `test_decoders` finds functions ``decode_*`` and ``read_*`` that lack one.
"""

import hashlib
import io
import json
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import bson
import msgspec
import numpy as np
from bson.errors import BSONError

from faiss_server.resources.requests import decode_search, decode_vectors_request, decoded
from lab.configuration.reading import read_lab_settings
from lab.model_files import load_model, save_model
from lab.models.tag_svd import TagSvd, TagSvdOptions
from models.checkpoint import checkpoint_folders, read_checkpoint, read_state_part
from streamrec import envelopes, markers, wire
from streamrec import index_protocol as index_messages
from streamrec.adapters.files import role_fence as snapshot_role_fence
from streamrec.adapters.files import roles as snapshot_roles
from streamrec.adapters.files import snapshot_files
from streamrec.adapters.files import snapshots as snapshot_directory
from streamrec.adapters.mongo import documents as mongo_documents
from streamrec.adapters.redis import tallies as redis_tallies
from streamrec.adapters.redis import values as redis_values
from streamrec.adapters.sqlite import cache_schema as sqlite_cache_schema
from streamrec.adapters.sqlite import store_schema as sqlite_store_schema
from streamrec.adapters.sqlite.exposures import tallies as sqlite_tallies
from streamrec.attribution.checkpoint import AttributionCheckpoint, Saved
from streamrec.attribution.state.attribution_state import AttributionState
from streamrec.attribution.state.saved_state import Limits
from streamrec.bars.checkpoint import BarsCheckpoint, Restored
from streamrec.bars.publishing import Waiting
from streamrec.bars.ticks import TickRules, ticks_of
from streamrec.cli.backup import manifest as backup_manifest
from streamrec.datasets.archive import erasing as archive_erasing
from streamrec.datasets.config_file import read_config
from streamrec.datasets.files.objects.rows import json_rows
from streamrec.datasets.position_file import PositionFile
from streamrec.domain.bars import bar
from streamrec.domain.bars.bar import BarsSpan, by_slot, pack
from streamrec.domain.bars.batch_minutes import TALLY
from streamrec.domain.bars.minute_table import MinuteTable, Ticks
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.experiments import definition, exposure
from streamrec.domain.experiments.attribution import Act
from streamrec.domain.generations import challenger
from streamrec.domain.generations.roles import Promotion
from streamrec.domain.items import batch_lists, item
from streamrec.domain.items.item import Item
from streamrec.domain.popularity import ranked_item
from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking import published_blend
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.cursor import Shown
from streamrec.domain.ranking.scene import visited
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.similarity import neighbour
from streamrec.domain.similarity.neighbour import Neighbours
from streamrec.domain.similarity.visits import NOBODY, Visits
from streamrec.domain.sources.table import first_blend
from streamrec.domain.status import point, report
from streamrec.domain.users import steps
from streamrec.domain.users.steps import Step
from streamrec.domain.users.user import LabelUse, Profile, UserState
from streamrec.errors import (
    ConfigurationError,
    CorruptArtifact,
    Damaged,
    InvalidDataset,
    InvalidEvent,
    InvalidInput,
    StreamrecError,
    Unavailable,
    UnknownId,
)
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import (
    COMMANDS,
    INTERACTIONS,
    ById,
    ByVector,
    RankedItem,
    Record,
    Snapshot,
    UsersByProfile,
    VectorTable,
)
from streamrec.ports.experiments import read_stored
from streamrec.process.decoding import decode_commands, decode_events
from streamrec.publishing.rejections import rejection
from streamrec.settings.processes import LearningSettings, TrainerSettings
from tests.properties.damages import JSON, MSGPACK, Form

SCRATCH = Path(tempfile.mkdtemp(prefix="decoders-"))
"""Files are read from here; overwritten with each example."""

_json = msgspec.json.encode
_BACKUP = backup_manifest.BackupManifest(
    1, "0.2.0", 5.0, "g1", "log", {INTERACTIONS: {0: 5}},
    {"store": backup_manifest.PartCopy("sqlite", {"users": 2})},
    {"store/data.db": backup_manifest.FileCheck(5, "00")},
)  # fmt: skip
_VECTOR = np.array([1.0, 2.0], "<f4").tobytes()


class Row(NamedTuple):
    """A decoder, valid bytes, what it may raise, and the format in which values can be exchanged."""

    name: str
    decode: Callable[[bytes], object]
    examples: tuple[bytes, ...]
    declared: tuple[type[StreamrecError], ...]
    form: Form | None = JSON


# Records ------------------------------------------------------------------------------------------------

_EVENTS = (
    b'{"user_id":"u","item_id":7,"timestamp":1700000000.5,"type":"view","value":"3.5","event_id":"e1","x":[1]}',
    b'{"user_id":"u","item_id":"a/b","timestamp":"2024-01-01T00:00:00Z","request_id":"r"}',
    b'{"schema":{},"payload":{"user_id":"u"}}',
    markers.encode_marker(markers.ErasureMarker("user_erased", 1.0, "test")),
)
_COMMANDS = (wire.encode_command(wire.Command("item_deleted", 5.0, "test")),)
_VECTORS = (
    wire.encode_vector(wire.VectorRecord("g", _VECTOR, 5.0)),
    wire.encode_vector(wire.VectorRecord("g", None, 5.0, "named")),
)
_EXPOSURES = (
    exposure.encode_exposure(
        exposure.Exposure(
            "r", "u", 5.0, ["a", "b"], ["gmf", "new"], experiments=[("x", 1, "interleaved")], teams=[0, 1],
            interleaved="x", propensities=[1.0, 0.25],
        )
    ),
)  # fmt: skip
_LISTS = (b'[["i",0.5],["j",0.25]]', b"[]")
_BATCHES = (b'{"name":"als","version":3,"n_lists":2,"published_at":1.5,"source":"ab12"}',)
_EXPERIMENTS = (
    b'{"id":"x","version":3,"era":2,"state":"running","control":"a","primary":"ctr","slice":[0,50],'
    b'"variants":[{"name":"a"},{"name":"b","weight":2,"changes":{"sources":["gmf"],"diversity":0.5}}],'
    b'"audience":{"country":["NZ"]},"guardrails":[{"metric":"depth","max_drop":0.1}]}',
)
_REJECTED = (wire.encode_rejected(wire.RejectedRecord("interactions", 0, 7, "not_json", "why", "what", 4)),)


def _reject(payload: bytes) -> object:
    """Read a record as the trainer does, and write down why it was refused."""
    batch = decode_events([Record(INTERACTIONS, 0, 1, "k", payload, 5.0)], RecentIds(5))
    return [wire.decode_rejected(rejection(invalid).value or b"") for invalid in batch.invalid]


def _order(payload: bytes) -> object:
    commands, _ = decode_commands([Record(COMMANDS, 0, 1, "k", payload, 5.0)])
    return commands


def _ticks(payload: bytes) -> object:
    rules = TickRules(EventWeights({"dislike": -1.0}))
    return ticks_of(decode_events([Record(INTERACTIONS, 0, 1, "k", payload, 5.0)], RecentIds(5)), rules)


# What index and recommender say to each other -------------------------------------------------------------

_QUERIES = (
    ByVector(_VECTOR, 3, ["x"], "g"),
    ById("i", 3, ["x"], "g"),
    UsersByProfile("u", 3, ["y"], ["x"], "g"),
)
_ANSWER = index_messages.AnswerMessage("g", ["a", "b"], struct.pack("<2f", 2.0, 1.0))


def _answers(payload: bytes) -> object:
    answers = index_messages.decode_answers(payload)
    return [index_messages.answer_to(_QUERIES[0], answer) for answer in answers]


def _vectors_by_id(payload: bytes) -> object:
    query = index_messages.VectorsQueryMessage(["a", "b"], "g")
    return index_messages.vectors_by_id(index_messages.decode_vectors(payload), query)


# Caches -------------------------------------------------------------------------------------------------

_ITEM = Item("i", "film", "t", categories=("c",), attributes={"tags": ["a"], "n": 1})
_NEAR = Neighbours(["a", "b"], [0.5, 0.25], [3.0, 2.0], [0.0, 0.1], ["c"], [2], "g", b"1234")
_MINUTE = pack(np.array([(10, 3, 0, 0, 1.5, 3.5, 0.5, 2.5, 9.0)], TALLY))


def _neighbours(payload: bytes) -> object:
    items = ItemNumbers()
    visits = Visits(["i"], {"i": neighbour.decode_neighbours(payload).near(items)}, items)
    worth, asked = np.ones(N_LAST, np.float32), items.of(["a", "c"])
    return visits.together, visited(asked, visits.near, visits.counts, worth, NOBODY, items.marks)


def _blend(payload: bytes) -> object:
    read = published_blend.decode_blend(payload)
    return None if read is None else BlendRanker.of(read)


def _status_of_challenger(payload: bytes) -> object:
    read = challenger.decode_status(payload)
    return None if read is None else BlendRanker.of(read.blend)


def _history(payload: bytes) -> object:
    middle = len(payload) // 2
    slots = by_slot(_MINUTE, 60) | {3: payload[:middle], 10: payload}
    held = redis_values.decode_bars(_json(BarsSpan(620.0, 60)), {b"%d" % n: one for n, one in slots.items()})
    return held, redis_values.decode_bars(payload, {payload[:3]: _MINUTE})


# Documents ------------------------------------------------------------------------------------------------

_STATE = UserState("u", "g", _VECTOR, ("a", "b"), ("c",), 3, 5.0, Profile((LabelUse("c", 2, 1.5),)), (4, 5))


def _sqlite_user(payload: bytes) -> object:
    row = list(sqlite_store_schema.state_row(_STATE)) + [b"{}"]
    for column in range(1, 10):
        value = row[column]
        row[column] = payload
        with suppress(Damaged):
            sqlite_store_schema.user_of(tuple(row))
        row[column] = value.encode() if isinstance(value, str) else value
    return sqlite_store_schema.user_of(tuple(row))


_MONGO_USER = {
    "_id": "u", "generation": "g", "vector": _VECTOR, "recent": ["a"], "disliked": [], "n_events": 3,
    "updated_at": 5.0, "profile": "[[],[]]", "attributes": '{"a":1}', "item_ids": ["a"],
}  # fmt: skip
_MONGO_ITEM = {
    "_id": "i", "kind": None, "title": "t", "text": None, "categories": ["c"], "is_hidden": False,
    "attributes": '{"a":[1]}', "updated_at": 5.0,
}  # fmt: skip


def _bson(read: Callable[[dict[str, Any]], object]) -> Callable[[bytes], object]:
    def of_bytes(payload: bytes) -> object:
        options = bson.CodecOptions[dict[str, Any]](
            unicode_decode_error_handler="replace", datetime_conversion=bson.DatetimeConversion.DATETIME_AUTO
        )
        try:
            document = bson.decode(payload, options)
        except (BSONError, ValueError, RecursionError):
            return None  # the server sends none such
        return read(document) if "_id" in document and "item_ids" in document or "kind" in document else None

    return of_bytes


# Files ----------------------------------------------------------------------------------------------------


def _file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of bytes that puts them into a file first."""

    def of_bytes(payload: bytes) -> object:
        path = SCRATCH / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(payload)
        return read(path)

    return of_bytes


def _snapshot_folder() -> Path:
    items = VectorTable(["a", "b"], np.ones((2, 2), np.float32))
    users = VectorTable(["u"], np.ones((1, 2), np.float32))
    snapshot = Snapshot(
        "g", items, users, {"item-vectors": {0: 3}}, 5.0, {"seed": 1}, np.ones((1, 2), np.float32)
    )
    snapshot_directory.write_snapshot(SCRATCH / "snapshots", snapshot)
    return SCRATCH / "snapshots" / "g"


def _snapshot_with(member: str, *, is_signed: bool) -> Row:
    """Return a row whose bytes stand for one file of a snapshot; signed: the manifest has their digest."""
    folder = _snapshot_folder()
    original, manifest = (folder / member).read_bytes(), (folder / "manifest.json").read_bytes()

    def read(payload: bytes) -> object:
        (folder / member).write_bytes(payload)
        if is_signed:
            written = json.loads(manifest)
            written["sha256"][member] = hashlib.sha256(payload).hexdigest()
            (folder / "manifest.json").write_text(json.dumps(written))
        try:
            return snapshot_directory.read_snapshot(folder.parent, "g")
        finally:
            (folder / member).write_bytes(original)
            (folder / "manifest.json").write_bytes(manifest)

    form = JSON if member.endswith(".json") else None
    return Row(f"read_snapshot/{member}", read, (original,), (CorruptArtifact, UnknownId), form)


_LEARNING = LearningSettings(embedding_dim=2)


def _checkpoint_folder() -> Path:
    state = TrainerState("g", _LEARNING, TrainerSettings())
    rows = state.user_ids.rows_of(["u", "v"], add=True)
    state.item_ids.rows_of(["a", "b"], add=True)
    state.users.count(rows, np.array([5.0, 6.0]))
    state.users.dislike(0, "a")
    state.user_categories.count(rows, [("war", "drama"), ("war",)], np.array([1.0, np.nan]))
    checkpoints = Checkpoints(SCRATCH / "artifacts", "g")
    checkpoints.write(state, {INTERACTIONS: {0: 3}}, token=1)
    return checkpoint_folders(SCRATCH / "artifacts" / "checkpoints" / "g")[0]


class _Part(msgspec.Struct):
    next_offsets: dict[str, dict[int, int]]


def _checkpoint_with(member: str, *, is_signed: bool) -> Row:
    folder = _checkpoint_folder()
    original, manifest = (folder / member).read_bytes(), (folder / "manifest.json").read_bytes()

    def read(payload: bytes) -> object:
        (folder / member).write_bytes(payload)
        if is_signed:
            written = json.loads(manifest)
            written["sha256"][member] = hashlib.sha256(payload).hexdigest()
            (folder / "manifest.json").write_text(json.dumps(written))
        try:
            read_checkpoint(folder)
            read_state_part(folder, _Part)
            return Checkpoints(SCRATCH / "artifacts", "g").open_newest(_LEARNING, TrainerSettings())
        finally:
            (folder / member).write_bytes(original)
            (folder / "manifest.json").write_bytes(manifest)

    form = JSON if member.endswith(".json") else None
    return Row(f"read_checkpoint/{member}", read, (original,), (CorruptArtifact,), form)


def _bars_checkpoint() -> tuple[bytes, bytes]:
    history = MinuteTable(5, max_items=10)
    times = np.array([60.0, 61.0, 125.0])
    history.add(Ticks(["a", "b", "a"], times, np.array([1.0, 2.0, 3.0]), times))
    path = SCRATCH / "bars.npz"
    waiting = Waiting(np.array([0, 6]), ["gone"])
    BarsCheckpoint(path).write(history, Restored({INTERACTIONS: {0: 7}}, ["e1"], waiting))
    with np.load(path) as arrays:
        return path.read_bytes(), arrays["about"].tobytes()


def _restore_bars(path: Path) -> object:
    return BarsCheckpoint(path).restore(MinuteTable(5, max_items=10))


_BARS, _BARS_ABOUT = _bars_checkpoint()


def _bars_with_about(payload: bytes) -> object:
    with np.load(io.BytesIO(_BARS)) as arrays:
        members = {name: arrays[name] for name in arrays} | {"about": np.frombuffer(payload, np.uint8)}
    np.savez(SCRATCH / "bars-about.npz", **members)
    return _restore_bars(SCRATCH / "bars-about.npz")


def _attribution_checkpoint() -> bytes:
    state = AttributionState(Limits(settle_s=1.0))
    variants = (definition.Variant("a"), definition.Variant("b"))
    state.define({"x": definition.Experiment("x", 1, variants, "a", "ctr", state="running")})
    for at in (10.0, 20.0):
        shown = exposure.Exposure(f"r{at}", "u", at, ["i"], experiments=[("x", 1, "a")])
        state.add_exposure(shown, at)
        state.add_act(Act("u", at + 1.0, "i", "click"))
    state.settle(13.0)
    path = SCRATCH / "attribution.msgpack"
    AttributionCheckpoint(path).write(Saved(next_offsets={INTERACTIONS: {0: 2}}, state=state.saved()))
    return path.read_bytes()


_ATTRIBUTION = _attribution_checkpoint()
_read_attribution = _file("attribution-torn.msgpack", lambda path: AttributionCheckpoint(path).read())


def _attribution_of(body: bytes) -> object:
    saved = _read_attribution(zlib.crc32(body).to_bytes(4, "big") + body)
    assert isinstance(saved, Saved)
    return AttributionState(Limits(), saved.state)


def _lab_model() -> tuple[bytes, bytes]:
    model = TagSvd(TagSvdOptions(tags="item_ids"))
    model.fit([Interaction(f"u{n % 5}", f"i{n % 3}", 0.0, value=float(n)) for n in range(40)])
    save_model(model, SCRATCH / "model.npz")
    with zipfile.ZipFile(SCRATCH / "model.npz") as archive:
        return (SCRATCH / "model.npz").read_bytes(), archive.read("manifest.json")


_MODEL, _MODEL_MANIFEST = _lab_model()


def _model_with_manifest(payload: bytes) -> object:
    path = SCRATCH / "model-manifest.npz"
    with zipfile.ZipFile(io.BytesIO(_MODEL)) as source, closing(zipfile.ZipFile(path, "w")) as target:
        for name in source.namelist():
            target.writestr(name, payload if name == "manifest.json" else source.read(name))
    return load_model(path)


def _cursor(payload: bytes) -> object:
    return Shown.read(payload.decode("latin-1"), "user=u")


def _queries(payload: bytes) -> object:
    return [index_messages.query_of(row) for row in decoded(index_messages.decode_queries, payload)]


_CONFIGS = (
    b"[[events]]\nfile = 'a'\ndelimiter = ';'\nmap = {user_id = 'u'}\n[weights]\nview = 0.5\n'r<=2' = -1.0\n",
    b"[[items]]\nfile = 'i.csv'\nlists = {tags = '|'}\nheader = false\ntime_format = '%d.%m.%Y'\n",
)

ROWS: tuple[Row, ...] = (
    Row("wire.decode_event", lambda given: wire.decode_event(given, 5.0), _EVENTS, (InvalidEvent,)),
    Row("wire.decode_command", wire.decode_command, _COMMANDS, (InvalidEvent,)),
    Row("wire.decode_vector", wire.decode_vector, _VECTORS, (InvalidEvent,), MSGPACK),
    Row("wire.decode_rejected", wire.decode_rejected, _REJECTED, (InvalidEvent,)),
    Row("exposure.decode_exposure", exposure.decode_exposure, _EXPOSURES, (InvalidEvent,)),
    Row("batch_lists.decode_list", batch_lists.decode_list, _LISTS, (Damaged,)),
    Row(
        "batch_lists.decode_batch", lambda given: batch_lists.decode_batch(given, "als"), _BATCHES, (Damaged,)
    ),
    Row("definition.decode_experiment", definition.decode_experiment, _EXPERIMENTS, (Damaged,)),
    Row("experiments.read_stored", lambda given: read_stored([("x", 3, given)]), _EXPERIMENTS, ()),
    Row("markers.is_marker", markers.is_marker, _EVENTS, ()),
    Row("envelopes.envelope_of", envelopes.envelope_of, _EVENTS, ()),
    Row("decoding.decode_events", _reject, _EVENTS, ()),
    Row("decoding.decode_commands", _order, _COMMANDS, ()),
    Row("bars.ticks_of", _ticks, _EVENTS, ()),
    Row(
        "index_messages.decode_queries",
        _queries,
        (index_messages.encode_queries(_QUERIES),),
        (InvalidInput,),
        MSGPACK,
    ),
    Row(
        "index_messages.decode_answers",
        _answers,
        (index_messages.encode_answers([_ANSWER]),),
        (Damaged, InvalidInput, Unavailable),
        MSGPACK,
    ),
    Row(
        "index_messages.decode_vectors_query",
        index_messages.decode_vectors_query,
        (index_messages.encode_vectors_query(index_messages.VectorsQueryMessage(["a"], "g")),),
        (Damaged,),
        MSGPACK,
    ),
    Row(
        "index_messages.decode_vectors",
        _vectors_by_id,
        (index_messages.encode_vectors(index_messages.VectorsMessage("g", ["a", "b"], _VECTOR * 2)),),
        (Damaged,),
        MSGPACK,
    ),
    Row(
        "requests.decode_search",
        decode_search,
        (b'{"vectors":[[1,2]],"k":3,"exclude":[["a"]]}', b'{"item_ids":["a"],"generation":"g"}'),
        (InvalidInput,),
    ),
    Row(
        "requests.decode_vectors_request",
        decode_vectors_request,
        (b'{"item_ids":["a"],"generation":"g"}',),
        (InvalidInput,),
    ),
    Row("neighbour.decode_neighbours", _neighbours, (_json(_NEAR),), (Damaged,)),
    Row("item.decode_item", lambda given: item.decode_item(given, "i"), (_json(_ITEM),), (Damaged,)),
    Row("bar.decode_span", bar.decode_span, (_json(BarsSpan(620.0, 60)),), (Damaged,)),
    Row(
        "ranked_item.decode_ranking",
        ranked_item.decode_ranking,
        (_json([RankedItem("a", 2.0), RankedItem("b", 1.0)]),),
        (Damaged,),
    ),
    Row(
        "point.decode_points",
        lambda given: point.decode_points(point.RINGS["10s"], [(2, given), (3, given)]),
        (b'[10,20,{"lag_s":1.0}]',),
        (),
    ),
    Row(
        "report.decode_report",
        report.decode_report,
        (_json(report.TrainerReport(1.0, "g", 0.0, [report.RejectedReason("empty", 1, "", 2.0)])),),
        (Damaged,),
    ),
    Row(
        "challenger.decode_status",
        _status_of_challenger,
        (challenger.encode_status(challenger.ChallengerStatus("g", first_blend().published(), True, 5.0)),),
        (),
    ),
    Row("published_blend.decode_blend", _blend, (_json(first_blend().published()),), ()),
    Row(
        "redis_values.decode_changed",
        redis_values.decode_changed,
        (_json(redis_values.ChangedItems("me", ["a"])),),
        (Damaged,),
    ),
    Row(
        "redis_values.decode_items",
        lambda given: redis_values.decode_items(["i", "j"], [given, None], 1.0),
        (_json(redis_values.CachedItem(_ITEM, 5.0)),),
        (),
    ),
    Row(
        "redis_values.decode_counters",
        lambda given: redis_values.decode_counters({b"n": given, given: b"1"}),
        (b"3.5", b"inf"),
        (Damaged,),
        None,
    ),
    Row(
        "redis_tallies.decode_names",
        lambda given: redis_tallies.decode_names([(5, [given])]),
        (b"shown",),
        (Damaged,),
        None,
    ),
    Row(
        "redis_tallies.decode_tallies",
        lambda given: redis_tallies.decode_tallies([((5, "shown"), given)]),
        (b"12",),
        (Damaged,),
        None,
    ),
    Row(
        "exposures_tallies.decode_tallies",
        lambda given: sqlite_tallies.decode_tallies([(5, "shown", given)]),  # type: ignore[list-item]
        (b"12",),
        (Damaged,),
        None,
    ),
    Row(
        "steps.decode_steps",
        lambda given: steps.decode_steps([given]),
        (steps.encode_step(Step(1.5, ("i", "é"), "purchase", is_choice=True)),),
        (Damaged,),
    ),
    Row("redis_values.decode_bars", _history, (_MINUTE, _json(BarsSpan(620.0, 60))), (Damaged,)),
    Row(
        "sqlite_cache_schema.decode_items",
        lambda given: (
            sqlite_cache_schema.decode_items(b"[" + given + b"]"),
            sqlite_cache_schema.readable_items([("i", given)]),
        ),
        (_json(_ITEM),),
        (),
    ),
    Row(
        "sqlite_cache_schema.decode_counters",
        lambda given: sqlite_cache_schema.decode_counters([("n", given)]),  # type: ignore[list-item]
        (b"3.5",),
        (Damaged,),
        None,
    ),
    Row("sqlite_store_schema.decode_ids", sqlite_store_schema.decode_ids, (b'["a","b"]',), (Damaged,)),
    Row("sqlite_store_schema.user_of", _sqlite_user, (b'["a"]', _VECTOR, b'{"a":1}', b"[[],[]]"), (Damaged,)),
    Row(
        "mongo_documents.user_of",
        _bson(lambda one: (mongo_documents.ids_of(one), mongo_documents.user_of(one))),
        (bson.encode(_MONGO_USER),),
        (Damaged,),
        None,
    ),
    Row(
        "mongo_documents.item_of",
        _bson(mongo_documents.item_of),
        (bson.encode(_MONGO_ITEM),),
        (Damaged,),
        None,
    ),
    Row(
        "manifest.decode_backup_manifest",
        backup_manifest.decode_backup_manifest,
        (_json(_BACKUP),),
        (Damaged,),
    ),
    Row(
        "snapshot_files.decode_manifest",
        snapshot_files.decode_manifest,
        ((_snapshot_folder() / "manifest.json").read_bytes(),),
        (Damaged,),
    ),
    Row(
        "snapshot_roles.decode_promotion",
        snapshot_roles.decode_promotion,
        (_json(Promotion("promote", "new", "old", 5.0)),),
        (Damaged,),
    ),
    Row(
        "archive_erasing.decode_done",
        archive_erasing.decode_done,
        (_json({"marked": {"AAAA log": {"0": 7}}, "unmarked": {"AAAA ": 1.5}}),),
        (Damaged,),
    ),
    Row(
        "snapshot_role_fence.decode_tokens",
        snapshot_role_fence.decode_tokens,
        (_json({"trainer": 7, "initial-training": 1_700_000_000}),),
        (Damaged,),
    ),
    Row(
        "snapshot_directory.generation_in",
        _file("CURRENT", snapshot_directory.generation_in),
        (b"20240101-000000\n",),
        (CorruptArtifact,),
        None,
    ),
    _snapshot_with("manifest.json", is_signed=False),
    _snapshot_with("item_ids.json", is_signed=True),
    _snapshot_with("item_embeddings.npy", is_signed=True),
    _snapshot_with("user_likeness.npy", is_signed=True),
    _checkpoint_with("manifest.json", is_signed=False),
    _checkpoint_with("state.json", is_signed=True),
    _checkpoint_with("tensors.safetensors", is_signed=True),
    Row("history.checkpoint", _file("bars-torn.npz", _restore_bars), (_BARS,), (CorruptArtifact,), None),
    Row("history.checkpoint/about", _bars_with_about, (_BARS_ABOUT,), (CorruptArtifact,)),
    Row("attribution.checkpoint", _read_attribution, (_ATTRIBUTION,), (CorruptArtifact,), None),
    Row("attribution.checkpoint/body", _attribution_of, (_ATTRIBUTION[4:],), (CorruptArtifact,), MSGPACK),
    Row("lab.load_model", _file("torn.npz", load_model), (_MODEL,), (CorruptArtifact,), None),
    Row("lab.load_model/manifest.json", _model_with_manifest, (_MODEL_MANIFEST,), (CorruptArtifact,)),
    Row(
        "cursor.Shown.read",
        _cursor,
        (Shown.nothing("user=u").after(["a", "b"]).cursor().encode(),),
        (InvalidInput,),
        None,
    ),
    Row(
        "position_file.load",
        _file("position", lambda path: PositionFile(path).load()),
        (b'{"next_event": 7}',),
        (),
    ),
    Row("config_file.read_config", _file("own.toml", read_config), _CONFIGS, (InvalidDataset,), None),
    Row(
        "reading.read_lab_settings",
        _file("lab.toml", read_lab_settings),
        (b'[generator]\nn_users = 7\n[models]\ntrained = ["als"]\n',),
        (ConfigurationError,),
        None,
    ),
    Row(
        "rows.json_rows",
        _file("rows.jsonl", lambda path: list(json_rows(path, {"user_id": "user_id"}, ["user_id"]))),
        (b'{"user_id":"u"}\n\n{"user_id":"v"}\n',),
        (InvalidDataset,),
        None,
    ),
)

NO_ROW: dict[str, str] = {
    "read_batch": "decoding.decode_events",
    "read_manifest": "read_snapshot/manifest.json",
    "read_table": "read_snapshot/item_ids.json",
    "read_similarity": "read_snapshot/user_likeness.npy",
    "read_state_part": "read_checkpoint/state.json",
    "read_sections": "config_file.read_config",
}
"""Functions that have no row of their own, and the row that reads by them."""

NO_DECODERS = frozenset(
    (
        "read_commands", "read_events", "read_settings", "read_user_items", "read_body", "read_k",
        "read_to_the_end", "read_data", "read_lists",
    )
)  # fmt: skip
"""Functions with such a name that read records, rows or a request by the decoders above, or the laboratory's
Parquet files, whose damage is tested with its steps."""
