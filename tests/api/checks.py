"""What every error of the API has in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse


def problem(response: HttpResponse, status: int) -> dict[str, Any]:
    """The members of a problem, after checking everything that all problems share."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()  # type: ignore[attr-defined]
    assert body["status"] == status
    assert body["type"].startswith("urn:clarion:problem:")
    assert body["title"]
    assert body["detail"]
    assert body["instance"].startswith("/")
    assert body["request_id"] == response["X-Request-ID"]
    return body


def pointers(response: HttpResponse, status: int = 422) -> list[str]:
    """The pointers of a problem about a body, each with a sentence."""
    errors = problem(response, status)["errors"]
    assert all(error["detail"] for error in errors)
    return [error["pointer"] for error in errors]


def parameters(response: HttpResponse) -> list[str]:
    """The parameters of a problem about a query string."""
    return [error["parameter"] for error in problem(response, 400)["errors"]]


def same_but_for_the_place(first: HttpResponse, second: HttpResponse) -> bool:
    """Whether two problems tell the same, apart from path and request id."""
    one, two = (
        {name: value for name, value in answer.json().items() if name not in ("instance", "request_id")}  # type: ignore[attr-defined]
        for answer in (first, second)
    )
    return first.status_code == second.status_code and one == two
