"""What the log shows of an exception: where, never with which values."""

from __future__ import annotations

import logging

import pytest
import structlog
from django.conf import settings
from django.utils.log import configure_logging


def fail() -> None:
    secret = "whsec_in-a-local-variable"
    raise ValueError(f"boom {len(secret)}")


@pytest.mark.parametrize("logger", [structlog.get_logger("ours"), logging.getLogger("theirs")], ids=["ours", "theirs"])
def test_an_exception_is_told_with_its_places_and_without_values(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)  # its stream is the one captured here
    try:
        fail()
    except ValueError:
        logger.exception("it failed")

    told = capsys.readouterr().err
    assert "it failed" in told
    assert "ValueError: boom 25" in told
    assert "in fail" in told
    assert "whsec_in" not in told.replace('secret = "whsec_in', "")
