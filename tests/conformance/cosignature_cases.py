"""Cases of specs/publication.md section 11: keys of witnesses, cosignatures, policies."""

from collections.abc import Iterator

from nacl.signing import SigningKey

from tests.conformance.expected import Case, bad, good
from tests.conformance.notes_by_hand import (
    LOG,
    LOG_KEY,
    LOG_NAMED,
    NOW,
    OTHER,
    TEXT,
    TIME,
    WITNESSES,
    b64,
    body,
    cosigned,
    key_text,
    line,
    mark,
    note,
    vkey,
)


def witness_key_cases() -> Iterator[Case]:
    name = "witness.example/w1"
    key = WITNESSES[name]
    public = bytes(key.verify_key).hex()
    yield good(
        "a verifier key",
        "verifier_key",
        {"key_hash": vkey(name).split("+")[1], "vkey": vkey(name)},
        name=name,
        key=public,
    )
    told = {"name": name, "key": public, "key_hash": mark(name, key, 4).hex()}
    yield good("a verifier key read", "read_verifier_key", told, vkey=vkey(name))
    head, _, encoded = vkey(name).rpartition("+")
    for what, text in {
        "of a log": f"{name}+{mark(name, key, 1).hex()}+{key_text(key, 1)}",
        "with another hash": f"{name}+00000000+{encoded}",
        "with a hash in capitals": f"{head.upper()}+{encoded}".replace(name.upper(), name),
        "without a key": head,
        "of 31 bytes": f"{head}+{b64(bytes([4] + [0] * 31))}",
        "without a name": f"+{mark('', key, 4).hex()}+{encoded}",
    }.items():
        yield bad(f"no verifier key: one {what}", "read_verifier_key", vkey=text)
    yield bad("no witness without a name", "verifier_key", name="", key=public)


def cosignature_cases() -> Iterator[Case]:
    name = "witness.example/w1"
    made = cosigned(TEXT, name, NOW)
    seed = bytes(WITNESSES[name]).hex()
    yield good("a witness cosigns", "cosign", made, text=TEXT, name=name, seed=seed, time=NOW)
    yield bad("a witness cosigns in 2^63 seconds", "cosign", text=TEXT, name=name, seed=seed, time=2**63)
    right = {"text": TEXT, "line": made, "witness": vkey(name)}
    yield good("a cosignature holds", "verify_cosignature", {"time": NOW}, **right)
    blob = mark(name, WITNESSES[name], 4)
    for what, error, changes in (
        ("by another", "VerificationError", {"witness": vkey("witness.example/w2")}),
        ("over another text", "VerificationError", {"text": body(5)}),
        ("by a log's line", "VerificationError", {"line": line(TEXT, name, WITNESSES[name])}),
        ("of 71 bytes", "FormatError", {"line": f"— {name} {b64(blob + bytes(71))}\n"}),
        ("of 73 bytes", "FormatError", {"line": f"— {name} {b64(blob + bytes(73))}\n"}),
        ("in 2^63 seconds", "FormatError", {"line": f"— {name} {b64(blob + bytes([128] + [0] * 71))}\n"}),
        (
            "with another time",
            "VerificationError",
            {"line": made.replace(made[-90:-85], cosigned(TEXT, name, NOW + 1)[-90:-85])},
        ),
        ("without a dash", "FormatError", {"line": made[2:]}),
    ):
        yield bad(f"no cosignature {what}", "verify_cosignature", error, **{**right, **changes})


def policy_cases() -> Iterator[Case]:
    keys = [vkey(name) for name in WITNESSES]
    nobody = "0 of 0: nobody watches this log. That it shows everybody the same is its operator's word alone."
    yield good("0 of 0", "policy", nobody, threshold=0, witnesses=[])
    yield good("2 of 3", "policy", "2 of 3 witnesses must have seen the same log.", threshold=2, witnesses=keys)
    many = [vkey(f"w{number:02}", SigningKey(bytes([number + 9]) * 32)) for number in range(17)]
    for name, error, threshold, witnesses in (
        ("0 of 3", "FormatError", 0, keys),
        ("4 of 3", "FormatError", 4, keys),
        ("1 of 0", "FormatError", 1, []),
        ("-1 of 0", "FormatError", -1, []),
        ("witnesses out of order", "FormatError", 1, keys[::-1]),
        ("one witness twice", "FormatError", 2, [keys[0], keys[0]]),
        (
            "one key under two names",
            "FormatError",
            2,
            [keys[0], vkey("witness.example/x", WITNESSES["witness.example/w1"])],
        ),
        ("17 witnesses", "LimitError", 1, many),
    ):
        yield bad(f"no policy: {name}", "policy", error, threshold=threshold, witnesses=witnesses)
    asked = {"threshold": 1, "witnesses": [keys[0], vkey("witness.example/x", LOG)]}
    told = "1 of 2 witnesses must have seen the same log."
    yield good("witnesses that are not the log", "policy", told, **asked, log_keys=[bytes(OTHER.verify_key).hex()])
    for name, log_keys in (
        ("the log's key", [LOG_KEY]),
        ("an older key of the log", [bytes(OTHER.verify_key), LOG_KEY]),
    ):
        keys_told = [key.hex() for key in log_keys]
        yield bad(f"no policy: a witness with {name}", "policy", "FormatError", **asked, log_keys=keys_told)


def check_cases() -> Iterator[Case]:
    first, second, third = (cosigned(TEXT, name, NOW) for name in WITNESSES)
    right = {**LOG_NAMED, "threshold": 2, "witnesses": [vkey(name) for name in WITNESSES], "now": NOW}
    told = [{"name": f"witness.example/w{number}", "time": NOW} for number in (1, 3)]
    yield good("two of three", "check_cosignatures", told, **right, note=note(TEXT, third, first))
    strange = cosigned(TEXT, "witness.example/w9", NOW, OTHER)
    yield good("strangers do no harm", "check_cosignatures", told, **right, note=note(TEXT, strange, first, third))
    early = cosigned(TEXT, "witness.example/w2", TIME - 601)
    yield good(
        "an untimely one beside enough", "check_cosignatures", told, **right, note=note(TEXT, first, early, third)
    )
    empty = {**right, "threshold": 0, "witnesses": []}
    yield good("nobody is asked", "check_cosignatures", [], **empty, note=note(TEXT, first))
    refused = "VerificationError"
    flipped = second.replace(second[-20], "A" if second[-20] != "A" else "B")
    for name, error, text in (
        ("step 2: one witness twice", refused, note(TEXT, first, cosigned(TEXT, "witness.example/w1", NOW + 1), third)),
        ("step 3: 71 bytes of a known one", "FormatError", note(TEXT, first, third, _short())),
        ("step 4: a broken one of a known one", refused, note(TEXT, first, third, flipped)),
        (
            "step 4: one over another text",
            refused,
            note(TEXT, first, third, cosigned(body(5), "witness.example/w2", NOW)),
        ),
        ("step 5: one from the future", refused, note(TEXT, first, cosigned(TEXT, "witness.example/w2", NOW + 601))),
        ("step 5: one from before the head", refused, note(TEXT, first, early)),
        ("step 6: none", refused, note(TEXT)),
        ("step 6: one", refused, note(TEXT, first)),
        ("step 6: one and a stranger", refused, note(TEXT, first, strange)),
        (
            "step 6: one and a log's line",
            refused,
            note(TEXT, first, line(TEXT, "witness.example/w2", WITNESSES["witness.example/w2"])),
        ),
    ):
        yield bad(f"cosignatures, {name}", "check_cosignatures", error, **right, note=text)


def _short() -> str:
    name = "witness.example/w2"
    return f"— {name} {b64(mark(name, WITNESSES[name], 4) + bytes(71))}\n"
