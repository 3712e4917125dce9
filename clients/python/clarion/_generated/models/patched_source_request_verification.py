from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="PatchedSourceRequestVerification")


@_attrs_define
class PatchedSourceRequestVerification:
    """What the provider needs besides secrets; see docs/receiving.md."""

    type_header: None | str | Unset = UNSET
    """ The header that holds the type of a message. For: hex, api_key, oauth2, mtls, custom, none. """
    type_pointer: None | str | Unset = UNSET
    """ JSON Pointer to the type in the body. For: hex, api_key, oauth2, mtls, custom, none. """
    id_header: None | str | Unset = UNSET
    """ The header that holds the id of a message. For: hex, api_key, oauth2, mtls, custom, none. """
    id_pointer: None | str | Unset = UNSET
    """ JSON Pointer to the id in the body. For: hex, api_key, oauth2, mtls, custom, none. """
    auth: None | str | Unset = UNSET
    """ The connection's kind of authorization. For: eventbridge. """
    header: None | str | Unset = UNSET
    """ The header that holds the key. For: eventbridge, api_key, mtls, custom. """
    prefix: None | str | Unset = UNSET
    """ What stands in front of the key, such as `Bearer ` with its blank. For: eventbridge, api_key, custom. """
    jwks_url: None | str | Unset = UNSET
    """ Where the issuer publishes its keys (RFC 7517): https. For: eventbridge, oauth2. """
    issuer: None | str | Unset = UNSET
    """ Who must have issued the token (`iss`). For: eventbridge, oauth2. """
    audience: list[str] | None | str | Unset = UNSET
    """ Whom it must be made for (`aud`). For: eventbridge, oauth2. """
    scope: None | str | Unset = UNSET
    """ Scopes it must have, with blanks between them. For: eventbridge, oauth2. """
    subject: list[str] | None | str | Unset = UNSET
    """ Whose it must be (`sub`): one of these. For: eventbridge, oauth2. """
    format_: None | str | Unset = UNSET
    """ What it holds. For: mtls. """
    expected: list[str] | None | str | Unset = UNSET
    """ The subject or fingerprints of clients let in. For: mtls. """
    verified_header: None | str | Unset = UNSET
    """ A header that tells how the certificate's check went. For: mtls. """
    verified_value: None | str | Unset = UNSET
    """ What that one holds when it went well, such as SUCCESS. For: mtls. """
    algorithm: None | str | Unset = UNSET
    """ The hash of the HMAC. For: custom. """
    encoding: None | str | Unset = UNSET
    """ How the signature is written. For: custom. """
    template: None | str | Unset = UNSET
    """ What is signed, such as `{timestamp}.{body}`. For: custom. """
    timestamp_header: None | str | Unset = UNSET
    """ The header that holds the time, in unix seconds. For: custom. """
    secret_encoding: None | str | Unset = UNSET
    """ How a secret becomes the key. For: custom. """

    def to_dict(self) -> dict[str, Any]:
        type_header: None | str | Unset
        if isinstance(self.type_header, Unset):
            type_header = UNSET
        else:
            type_header = self.type_header

        type_pointer: None | str | Unset
        if isinstance(self.type_pointer, Unset):
            type_pointer = UNSET
        else:
            type_pointer = self.type_pointer

        id_header: None | str | Unset
        if isinstance(self.id_header, Unset):
            id_header = UNSET
        else:
            id_header = self.id_header

        id_pointer: None | str | Unset
        if isinstance(self.id_pointer, Unset):
            id_pointer = UNSET
        else:
            id_pointer = self.id_pointer

        auth: None | str | Unset
        if isinstance(self.auth, Unset):
            auth = UNSET
        else:
            auth = self.auth

        header: None | str | Unset
        if isinstance(self.header, Unset):
            header = UNSET
        else:
            header = self.header

        prefix: None | str | Unset
        if isinstance(self.prefix, Unset):
            prefix = UNSET
        else:
            prefix = self.prefix

        jwks_url: None | str | Unset
        if isinstance(self.jwks_url, Unset):
            jwks_url = UNSET
        else:
            jwks_url = self.jwks_url

        issuer: None | str | Unset
        if isinstance(self.issuer, Unset):
            issuer = UNSET
        else:
            issuer = self.issuer

        audience: list[str] | None | str | Unset
        if isinstance(self.audience, Unset):
            audience = UNSET
        elif isinstance(self.audience, list):
            audience = self.audience

        else:
            audience = self.audience

        scope: None | str | Unset
        if isinstance(self.scope, Unset):
            scope = UNSET
        else:
            scope = self.scope

        subject: list[str] | None | str | Unset
        if isinstance(self.subject, Unset):
            subject = UNSET
        elif isinstance(self.subject, list):
            subject = self.subject

        else:
            subject = self.subject

        format_: None | str | Unset
        if isinstance(self.format_, Unset):
            format_ = UNSET
        else:
            format_ = self.format_

        expected: list[str] | None | str | Unset
        if isinstance(self.expected, Unset):
            expected = UNSET
        elif isinstance(self.expected, list):
            expected = self.expected

        else:
            expected = self.expected

        verified_header: None | str | Unset
        if isinstance(self.verified_header, Unset):
            verified_header = UNSET
        else:
            verified_header = self.verified_header

        verified_value: None | str | Unset
        if isinstance(self.verified_value, Unset):
            verified_value = UNSET
        else:
            verified_value = self.verified_value

        algorithm: None | str | Unset
        if isinstance(self.algorithm, Unset):
            algorithm = UNSET
        else:
            algorithm = self.algorithm

        encoding: None | str | Unset
        if isinstance(self.encoding, Unset):
            encoding = UNSET
        else:
            encoding = self.encoding

        template: None | str | Unset
        if isinstance(self.template, Unset):
            template = UNSET
        else:
            template = self.template

        timestamp_header: None | str | Unset
        if isinstance(self.timestamp_header, Unset):
            timestamp_header = UNSET
        else:
            timestamp_header = self.timestamp_header

        secret_encoding: None | str | Unset
        if isinstance(self.secret_encoding, Unset):
            secret_encoding = UNSET
        else:
            secret_encoding = self.secret_encoding

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if type_header is not UNSET:
            field_dict["type_header"] = type_header
        if type_pointer is not UNSET:
            field_dict["type_pointer"] = type_pointer
        if id_header is not UNSET:
            field_dict["id_header"] = id_header
        if id_pointer is not UNSET:
            field_dict["id_pointer"] = id_pointer
        if auth is not UNSET:
            field_dict["auth"] = auth
        if header is not UNSET:
            field_dict["header"] = header
        if prefix is not UNSET:
            field_dict["prefix"] = prefix
        if jwks_url is not UNSET:
            field_dict["jwks_url"] = jwks_url
        if issuer is not UNSET:
            field_dict["issuer"] = issuer
        if audience is not UNSET:
            field_dict["audience"] = audience
        if scope is not UNSET:
            field_dict["scope"] = scope
        if subject is not UNSET:
            field_dict["subject"] = subject
        if format_ is not UNSET:
            field_dict["format"] = format_
        if expected is not UNSET:
            field_dict["expected"] = expected
        if verified_header is not UNSET:
            field_dict["verified_header"] = verified_header
        if verified_value is not UNSET:
            field_dict["verified_value"] = verified_value
        if algorithm is not UNSET:
            field_dict["algorithm"] = algorithm
        if encoding is not UNSET:
            field_dict["encoding"] = encoding
        if template is not UNSET:
            field_dict["template"] = template
        if timestamp_header is not UNSET:
            field_dict["timestamp_header"] = timestamp_header
        if secret_encoding is not UNSET:
            field_dict["secret_encoding"] = secret_encoding

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_type_header(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        type_header = _parse_type_header(d.pop("type_header", UNSET))

        def _parse_type_pointer(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        type_pointer = _parse_type_pointer(d.pop("type_pointer", UNSET))

        def _parse_id_header(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        id_header = _parse_id_header(d.pop("id_header", UNSET))

        def _parse_id_pointer(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        id_pointer = _parse_id_pointer(d.pop("id_pointer", UNSET))

        def _parse_auth(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        auth = _parse_auth(d.pop("auth", UNSET))

        def _parse_header(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        header = _parse_header(d.pop("header", UNSET))

        def _parse_prefix(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        prefix = _parse_prefix(d.pop("prefix", UNSET))

        def _parse_jwks_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        jwks_url = _parse_jwks_url(d.pop("jwks_url", UNSET))

        def _parse_issuer(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        issuer = _parse_issuer(d.pop("issuer", UNSET))

        def _parse_audience(data: object) -> list[str] | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                audience_type_1 = cast(list[str], data)

                return audience_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | str | Unset, data)

        audience = _parse_audience(d.pop("audience", UNSET))

        def _parse_scope(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        scope = _parse_scope(d.pop("scope", UNSET))

        def _parse_subject(data: object) -> list[str] | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                subject_type_1 = cast(list[str], data)

                return subject_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | str | Unset, data)

        subject = _parse_subject(d.pop("subject", UNSET))

        def _parse_format_(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        format_ = _parse_format_(d.pop("format", UNSET))

        def _parse_expected(data: object) -> list[str] | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                expected_type_1 = cast(list[str], data)

                return expected_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | str | Unset, data)

        expected = _parse_expected(d.pop("expected", UNSET))

        def _parse_verified_header(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        verified_header = _parse_verified_header(d.pop("verified_header", UNSET))

        def _parse_verified_value(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        verified_value = _parse_verified_value(d.pop("verified_value", UNSET))

        def _parse_algorithm(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        algorithm = _parse_algorithm(d.pop("algorithm", UNSET))

        def _parse_encoding(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        encoding = _parse_encoding(d.pop("encoding", UNSET))

        def _parse_template(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        template = _parse_template(d.pop("template", UNSET))

        def _parse_timestamp_header(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        timestamp_header = _parse_timestamp_header(d.pop("timestamp_header", UNSET))

        def _parse_secret_encoding(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        secret_encoding = _parse_secret_encoding(d.pop("secret_encoding", UNSET))

        patched_source_request_verification = cls(
            type_header=type_header,
            type_pointer=type_pointer,
            id_header=id_header,
            id_pointer=id_pointer,
            auth=auth,
            header=header,
            prefix=prefix,
            jwks_url=jwks_url,
            issuer=issuer,
            audience=audience,
            scope=scope,
            subject=subject,
            format_=format_,
            expected=expected,
            verified_header=verified_header,
            verified_value=verified_value,
            algorithm=algorithm,
            encoding=encoding,
            template=template,
            timestamp_header=timestamp_header,
            secret_encoding=secret_encoding,
        )

        return patched_source_request_verification
