"""Operations of specs/publication.md sections 3 and 11 to 13 on vectors: notes, cosignatures, witnesses, forks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nacl.signing import SigningKey

from ownhue.cosignature import (
    WitnessKey,
    WitnessPolicy,
    check_cosignatures,
    check_policy,
    cosignature_line,
    verify_cosignature,
)
from ownhue.fork_evidence import make_fork_evidence, verify_fork_evidence
from ownhue.signed_note import check_signed_once, key_hash, parse_note, parse_signature_line, signature_line
from ownhue.tree import leaf_hash
from ownhue.tree_head import TreeHead, open_tree_head, sign_tree_head
from ownhue.tree_proofs import StoredTree
from ownhue.witness import WitnessRequest, WitnessState, cosign, next_state

Question = Mapping[str, Any]


def _sign_note(question: Question) -> Any:
    key = SigningKey(bytes.fromhex(question["seed"]))
    return {
        "verify_key": bytes(key.verify_key).hex(),
        "key_hash": key_hash(question["name"], bytes(key.verify_key)).hex(),
        "line": signature_line(question["text"], question["name"], key),
    }


def _read_note(question: Question) -> Any:
    note = parse_note(question["note"].encode())
    lines = [
        {"name": line.name, "key_hash": line.key_hash.hex(), "signature": line.blob.hex()} for line in note.signatures
    ]
    return {"text": note.text, "signatures": lines}


def _verify_note(question: Question) -> Any:
    check_signed_once(parse_note(question["note"].encode()), question["name"], bytes.fromhex(question["key"]))
    return True


def _sign_tree_head(question: Question) -> Any:
    head = TreeHead(question["origin"], question["size"], bytes.fromhex(question["root"]), question["time"])
    return sign_tree_head(head, SigningKey(bytes.fromhex(question["seed"]))).decode()


def _open_tree_head(question: Question) -> Any:
    return _head_object(_open(question, question["note"]))


def _verifier_key(question: Question) -> Any:
    witness = WitnessKey(question["name"], bytes.fromhex(question["key"]))
    return {"key_hash": witness.key_hash.hex(), "vkey": witness.vkey}


def _read_verifier_key(question: Question) -> Any:
    witness = WitnessKey.from_vkey(question["vkey"])
    return {"name": witness.name, "key": witness.key.hex(), "key_hash": witness.key_hash.hex()}


def _cosign(question: Question) -> Any:
    key = SigningKey(bytes.fromhex(question["seed"]))
    return cosignature_line(question["text"], question["name"], key, question["time"])


def _verify_cosignature(question: Question) -> Any:
    line = parse_signature_line(question["line"].removesuffix("\n"))
    return {"time": verify_cosignature(question["text"], line, WitnessKey.from_vkey(question["witness"]))}


def _policy(question: Question) -> Any:
    """The sentence; with ``log_keys`` the policy is checked against them first."""
    policy = _read_policy(question)
    check_policy(policy, map(bytes.fromhex, question.get("log_keys", [])))
    return policy.sentence()


def _check_cosignatures(question: Question) -> Any:
    head, policy = _open(question, question["note"]), _read_policy(question)
    found = check_cosignatures(question["note"].encode(), head, policy, question["now"])
    return [{"name": witness.name, "time": time} for witness, time in found]


def _witness(question: Question) -> Any:
    """What a witness does with a note: its state afterwards and its line, or an error and nothing."""
    before = WitnessState(question["origin"], bytes.fromhex(question["log_key"]), question["seen"].encode())
    proof = [bytes.fromhex(item) for item in question["proof"]]
    new_key = bytes.fromhex(question["new_key"]) if "new_key" in question else None
    state = next_state(before, question["note"].encode(), proof, question["now"], new_key)
    line = cosign(state, question["name"], SigningKey(bytes.fromhex(question["seed"])), question["now"])
    return {"state": state.to_bytes().hex(), "head": _head_object(state.head), "line": line}


def _read_witness_state(question: Question) -> Any:
    state = WitnessState.from_bytes(bytes.fromhex(question["state"]))
    return {"origin": state.origin, "log_key": state.log_key.hex(), "head": _head_object(state.head)}


def _witness_request(question: Question) -> Any:
    proof = tuple(bytes.fromhex(item) for item in question["proof"])
    return WitnessRequest(question["old_size"], proof, question["note"].encode()).to_bytes().decode()


def _read_witness_request(question: Question) -> Any:
    request = WitnessRequest.from_bytes(question["body"].encode())
    return {
        "old_size": request.old_size,
        "proof": [item.hex() for item in request.proof],
        "note": request.note.decode(),
    }


def _make_fork_evidence(question: Question) -> Any:
    """Evidence from two notes, and from the leaves of the larger tree where they are given."""
    first, second = (note.encode() for note in question["notes"])
    tree = _tree(question["leaves"]) if "leaves" in question else None
    key = bytes.fromhex(question["log_key"])
    return make_fork_evidence(question["origin"], key, first, second, tree.hash if tree else None).decode()


def _verify_fork_evidence(question: Question) -> Any:
    key = bytes.fromhex(question["log_key"])
    return verify_fork_evidence(question["evidence"].encode(), question["origin"], key)


def _open(question: Question, note: str) -> TreeHead:
    return open_tree_head(note.encode(), question["origin"], bytes.fromhex(question["log_key"]))


def _read_policy(question: Question) -> WitnessPolicy:
    return WitnessPolicy(question["threshold"], tuple(map(WitnessKey.from_vkey, question["witnesses"])))


def _tree(leaves: Iterable[str]) -> StoredTree:
    return StoredTree(leaf_hash(bytes.fromhex(leaf)) for leaf in leaves)


def _head_object(head: TreeHead) -> Any:
    return {"origin": head.origin, "size": head.size, "root": head.root.hex(), "time": head.time}


OPERATIONS: dict[str, Callable[[Question], Any]] = {
    "sign_note": _sign_note,
    "read_note": _read_note,
    "verify_note": _verify_note,
    "sign_tree_head": _sign_tree_head,
    "open_tree_head": _open_tree_head,
    "verifier_key": _verifier_key,
    "read_verifier_key": _read_verifier_key,
    "cosign": _cosign,
    "verify_cosignature": _verify_cosignature,
    "policy": _policy,
    "check_cosignatures": _check_cosignatures,
    "witness": _witness,
    "read_witness_state": _read_witness_state,
    "witness_request": _witness_request,
    "read_witness_request": _read_witness_request,
    "make_fork_evidence": _make_fork_evidence,
    "verify_fork_evidence": _verify_fork_evidence,
}
