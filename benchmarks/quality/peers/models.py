"""Peers by name, as models of an evaluation."""

from benchmarks.quality.peers import implicit_models
from benchmarks.quality.peers.sasrec import SasRec
from benchmarks.quality.peers.slit import Slit
from benchmarks.quality.peers.vmis_knn import VmisKnn
from streamrec.domain.ranking.prequential import Events, ListRanker
from streamrec.evaluation.models import Model
from streamrec.evaluation.protocol import Protocol


def _cosine(history: Events, protocol: Protocol) -> ListRanker:
    return implicit_models.cosine(history)


def _bm25(history: Events, protocol: Protocol) -> ListRanker:
    return implicit_models.bm25(history)


def _als(history: Events, protocol: Protocol) -> ListRanker:
    return implicit_models.als(history, protocol.learning.seed)


def _vmis_knn(history: Events, protocol: Protocol) -> ListRanker:
    return VmisKnn(history)


def _vmis_knn_without_idf(history: Events, protocol: Protocol) -> ListRanker:
    return VmisKnn(history, with_idf=False)


def _slit(history: Events, protocol: Protocol) -> ListRanker:
    return Slit(history)


def _sasrec(history: Events, protocol: Protocol) -> ListRanker:
    return SasRec(history, protocol.learning.seed)


OWN_LINES: dict[str, Model] = {
    "vmis_knn": Model(_vmis_knn, has_chance=False),
    "vmis_knn_without_idf": Model(_vmis_knn_without_idf, has_chance=False),
    "slit": Model(_slit, has_chance=False),
    "sasrec": Model(_sasrec, has_chance=True),
}
"""Papers' models, written down here."""

OF_IMPLICIT: dict[str, Model] = {
    "implicit_cosine": Model(_cosine, has_chance=False),
    "implicit_bm25": Model(_bm25, has_chance=False),
    "implicit_als": Model(_als, has_chance=True),
}
"""Models of the library, which is installed apart."""

PEERS = OWN_LINES | OF_IMPLICIT
