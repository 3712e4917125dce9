"""The recipes of docs/receivers.md, each served by its framework on a real socket."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import uvicorn
from werkzeug.serving import make_server

from tests.docs.pages import block, page
from tests.receive.signed import SECRET
from webhooks.receive import Event

PAGE = page("docs/receivers.md")


class Recipe:
    """A recipe that runs: where it listens, and the events its ``handle`` was given."""

    def __init__(self, containing: str) -> None:
        self.handled: list[Event] = []
        self.fail = False
        self.url = ""
        self.module = ModuleType("clarion_recipe")
        sys.modules[self.module.__name__] = self.module
        os.environ["WEBHOOK_SECRET"] = SECRET
        exec(block(PAGE, "python", containing), self.module.__dict__)  # noqa: S102
        self.module.__dict__["handle"] = self._handle

    def _handle(self, event: Event) -> None:
        if self.fail:
            raise RuntimeError("the work fails")
        self.handled.append(event)

    def close(self) -> None:
        self.module.ledger._client.close()
        del sys.modules[self.module.__name__], os.environ["WEBHOOK_SECRET"]


@contextlib.contextmanager
def django_recipe() -> Iterator[Recipe]:
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import override_settings
    from django.urls import path

    recipe = Recipe("webhooks.receive.django")
    recipe.module.__dict__["urlpatterns"] = [path("webhooks", recipe.module.receive)]
    middleware = ["django.middleware.csrf.CsrfViewMiddleware"]
    settings = override_settings(ROOT_URLCONF=recipe.module.__name__, MIDDLEWARE=middleware, ALLOWED_HOSTS=["*"])
    with settings, _wsgi(recipe, WSGIHandler()):
        yield recipe


@contextlib.contextmanager
def flask_recipe() -> Iterator[Recipe]:
    recipe = Recipe("webhooks.receive.flask")
    with _wsgi(recipe, recipe.module.app):
        yield recipe


@contextlib.contextmanager
def fastapi_recipe() -> Iterator[Recipe]:
    recipe = Recipe("webhooks.receive.starlette")
    config = uvicorn.Config(recipe.module.app, host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # who connects before the server runs waits for it
    thread = threading.Thread(target=server.run, args=([socket],))
    recipe.url = f"http://127.0.0.1:{socket.getsockname()[1]}/webhooks"
    thread.start()
    try:
        yield recipe
    finally:
        server.should_exit = True
        thread.join(30)
        socket.close()
        recipe.close()


@contextlib.contextmanager
def _wsgi(recipe: Recipe, app: Callable[..., Any]) -> Iterator[None]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    recipe.url = f"http://127.0.0.1:{server.server_port}/webhooks"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
        recipe.close()


RECIPES = {"Django": django_recipe, "Flask": flask_recipe, "FastAPI": fastapi_recipe}
