"""Encrypted model fields on Fernet with a list of keys: the first encrypts, all decrypt."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from webhooks.conf import conf
from webhooks.errors import DecryptionFailed


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured(
            "WEBHOOKS_ENCRYPTION_KEYS is empty, so secrets cannot be stored. Make a key with "
            "`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`."
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(f"WEBHOOKS_ENCRYPTION_KEYS holds a key that is no Fernet key: {error}") from None


@lru_cache(maxsize=32)
def _one(key: str) -> Fernet:
    return Fernet(key)


def encrypt(plain: str) -> str:
    """Encrypt text with the first key."""
    return _fernet(tuple(conf.ENCRYPTION_KEYS)).encrypt(plain.encode()).decode()


def decrypt(token: str, place: str = "") -> str:
    """Decrypt text with any key. Raises :class:`DecryptionFailed`, which tells ``place``; never returns ciphertext."""
    try:
        return _fernet(tuple(conf.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise DecryptionFailed(place) from None


def key_of(token: str) -> int | None:
    """The number of the key that opens ``token``, 1 for the first one; None when none does."""
    keys = tuple(conf.ENCRYPTION_KEYS)
    _fernet(keys)  # one sentence for keys that are none
    for number, key in enumerate(keys, 1):
        try:
            _one(key).decrypt(token.encode())
        except InvalidToken:
            continue
        return number
    return None


def encrypt_again(token: str) -> str:
    """The same text under the first key, with the time at which it was first encrypted.

    Raises :class:`DecryptionFailed`.
    """
    try:
        return _fernet(tuple(conf.ENCRYPTION_KEYS)).rotate(token.encode()).decode()
    except InvalidToken:
        raise DecryptionFailed from None


if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """Text that the database only ever sees encrypted. Cannot be filtered on."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(str(value))

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else decrypt(value, self.place)

    @property
    def place(self) -> str:
        """``table.column``, for whoever has to find a value that cannot be read."""
        return f"{self.model._meta.db_table}.{self.column}"

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class EncryptedJSONField(EncryptedTextField):
    """A JSON value (dict, list, text, number) that the database only ever sees encrypted."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(json.dumps(value, separators=(",", ":")))

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        return None if value is None else json.loads(decrypt(value, self.place))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj))
