"""docs/verify.md: its functions take what Clarion signs and refuse everything else, in each language."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs.languages import LANGUAGES, PAGE, Case, Language
from tests.docs.pages import section
from tests.receive.signed import BODY, OTHER, SECRET, request

LINE = BODY.replace(b"42.10", b'"\\u00e9 \xc3\xa9"') + b"\n"  # text beyond ASCII, and a line break at the end
BYTES = bytes(range(256))


def standard(
    body: bytes = BODY, held: tuple[str, ...] = (SECRET,), signed: tuple[str, ...] = (SECRET,), off: float = 0
) -> Case:
    made = request(["standard"], body, secrets=signed, at=time.time() + off).headers
    return Case("standard", held, made["webhook-signature"], body, made["webhook-id"], made["webhook-timestamp"])


def hexed(body: bytes = BODY, held: tuple[str, ...] = (SECRET,), signed: str = SECRET) -> Case:
    return Case("hex", held, request(["hex"], body, secrets=[signed]).headers["X-Webhook-Signature"], body)


def with_key(key: bytes, body: bytes = BODY) -> Case:
    """Signed with a key that anybody can guess."""
    case = standard()
    content = f"{case.id}.{case.timestamp}.".encode() + body
    return replace(case, signature="v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode())


def good() -> Iterator[tuple[str, Case]]:
    for name, body in (("an event", BODY), ("text beyond ASCII", LINE), ("any bytes", BYTES), ("no bytes", b"")):
        yield f"standard: {name}", standard(body)
        yield f"hex: {name}", hexed(body)
    yield "standard: four minutes ago", standard(off=-240)
    yield "standard: a clock that is ahead", standard(off=240)
    yield "standard: the old secret during a rotation", standard(signed=(OTHER, SECRET))
    yield "standard: the new secret during a rotation", standard(held=(OTHER,), signed=(OTHER, SECRET))
    yield "standard: one of two secrets", standard(held=(OTHER, SECRET))
    yield "standard: an empty secret beside the right one", standard(held=("", SECRET))
    yield "hex: one of two secrets", hexed(held=(OTHER, SECRET))
    case = standard()
    yield "standard: a signature of another kind before it", replace(case, signature=f"v1a,AAAA {case.signature}")


def bad() -> Iterator[tuple[str, Case]]:
    case, plain = standard(), hexed()
    signature, made = str(case.signature), str(plain.signature)
    for scheme, right in (("standard", case), ("hex", plain)):
        yield f"{scheme}: a changed body", replace(right, body=BODY.replace(b"42.10", b"42.1"))
        yield f"{scheme}: a body with a blank more", replace(right, body=BODY + b" ")
        yield f"{scheme}: another secret", replace(right, secrets=(OTHER,))
        yield f"{scheme}: an empty secret", replace(right, secrets=("",))
        yield f"{scheme}: no signature", replace(right, signature=None)
        yield f"{scheme}: an empty signature", replace(right, signature="")
    yield (
        "standard: a changed signature",
        replace(case, signature=signature[:-3] + ("B=" if signature[-3] == "A" else "A=")),
    )
    yield "standard: the start of a signature", replace(case, signature=signature[:-4])
    yield "standard: a version alone", replace(case, signature="v1,")
    yield "standard: a signature of another version", replace(case, signature="v2" + signature[2:])
    yield "standard: no id", replace(case, id=None)
    yield "standard: another id", replace(case, id="evt_2")
    yield "standard: no time", replace(case, timestamp=None)
    yield "standard: another time", replace(case, timestamp=str(int(str(case.timestamp)) + 1))
    yield "standard: a time that is no number", replace(case, timestamp="now")
    yield "standard: an hour ago", standard(off=-3600)
    yield "standard: in an hour", standard(off=3600)
    yield "standard: signed with nothing, by an empty secret", replace(with_key(b""), secrets=("",))
    yield "standard: signed with nothing, by a prefix alone", replace(with_key(b""), secrets=("whsec_",))
    yield "hex: a changed signature", replace(plain, signature=made[:-1] + ("0" if made[-1] != "0" else "1"))
    yield "hex: in capital letters", replace(plain, signature=made.upper())
    yield "hex: the start of a signature", replace(plain, signature=made[:32])
    yield (
        "hex: signed with nothing",
        replace(plain, secrets=("",), signature=hmac.digest(b"", BODY, hashlib.sha256).hex()),
    )


@pytest.mark.parametrize("language", LANGUAGES, ids=[language.name for language in LANGUAGES])
def test_the_functions_take_what_clarion_signs_and_nothing_else(language: Language, tmp_path: Path) -> None:
    if language.missing:
        pytest.skip(f"NOT TESTED: the snippets in {language.name}: {', '.join(language.missing)} is not installed here")
    cases = [(name, case, True) for name, case in good()] + [(name, case, False) for name, case in bad()]
    answers = language.answers([case for _, case, _ in cases], tmp_path)
    assert len(answers) == len(cases)
    wrong = [name for (name, _, expected), answer in zip(cases, answers, strict=True) if answer is not expected]
    assert not wrong, f"{language.name} answers wrongly: {wrong}"


def test_each_language_has_a_section_with_both_functions() -> None:
    for language in LANGUAGES:
        text = section(PAGE, language.name).lower().replace("_", "")
        assert "verifystandard" in text
        assert "verifyhex" in text
