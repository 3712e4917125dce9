"""What the tests of ``manage.py doctor`` expect of a finding."""

from __future__ import annotations

from webhooks.services.health import Finding, Status

OK, WARNING, FAILED = Status.OK, Status.WARNING, Status.FAILED


def found(finding: Finding, status: Status, *texts: str) -> None:
    """The finding has this status, its sentence these texts, and advice unless all is well."""
    assert finding.status is status, finding
    assert all(text in finding.found for text in texts), finding
    assert bool(finding.advice) == (status in (WARNING, FAILED)), finding
