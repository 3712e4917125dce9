"""Fuzz target: the parser of endpoint URLs.

``python -m tests.fuzz.fuzz_urls -dict=tests/fuzz/fuzz_urls.dict -max_total_time=600``
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["webhooks", "idna", "urllib3", "urllib"]):
    from tests.fuzz.url_agreement import LOOPBACK, check_agreement

from webhooks.core.addresses import NOTHING_ALLOWED

STARTS = ("", "http://", "https://", "https://[")


def test_one_input(data: bytes) -> None:
    """The first byte chooses the allow-list and how the text begins; the rest is text, broken UTF-8 included."""
    choice = data[0] if data else 0
    text = data[1:].decode("utf-8", "surrogateescape")
    check_agreement(STARTS[choice >> 1 & 3] + text, LOOPBACK if choice & 1 else NOTHING_ALLOWED)


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
