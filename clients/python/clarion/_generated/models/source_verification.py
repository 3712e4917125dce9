from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SourceVerification")


@_attrs_define
class SourceVerification:
    """What the provider needs besides secrets; see docs/receiving.md."""

    type_header: str | Unset = UNSET
    """ The header that holds the type of a message. For: hex, api_key, oauth2, mtls, custom, none. """
    type_pointer: str | Unset = UNSET
    """ JSON Pointer to the type in the body. For: hex, api_key, oauth2, mtls, custom, none. """
    id_header: str | Unset = UNSET
    """ The header that holds the id of a message. For: hex, api_key, oauth2, mtls, custom, none. """
    id_pointer: str | Unset = UNSET
    """ JSON Pointer to the id in the body. For: hex, api_key, oauth2, mtls, custom, none. """
    auth: str | Unset = UNSET
    """ The connection's kind of authorization. For: eventbridge. """
    header: str | Unset = UNSET
    """ The header that holds the key. For: eventbridge, api_key, mtls, custom. """
    prefix: str | Unset = UNSET
    """ What stands in front of the key, such as `Bearer ` with its blank. For: eventbridge, api_key, custom. """
    jwks_url: str | Unset = UNSET
    """ Where the issuer publishes its keys (RFC 7517): https. For: eventbridge, oauth2. """
    issuer: str | Unset = UNSET
    """ Who must have issued the token (`iss`). For: eventbridge, oauth2. """
    audience: list[str] | str | Unset = UNSET
    """ Whom it must be made for (`aud`). For: eventbridge, oauth2. """
    scope: str | Unset = UNSET
    """ Scopes it must have, with blanks between them. For: eventbridge, oauth2. """
    subject: list[str] | str | Unset = UNSET
    """ Whose it must be (`sub`): one of these. For: eventbridge, oauth2. """
    format_: str | Unset = UNSET
    """ What it holds. For: mtls. """
    expected: list[str] | str | Unset = UNSET
    """ The subject or fingerprints of clients let in. For: mtls. """
    verified_header: str | Unset = UNSET
    """ A header that tells how the certificate's check went. For: mtls. """
    verified_value: str | Unset = UNSET
    """ What that one holds when it went well, such as SUCCESS. For: mtls. """
    algorithm: str | Unset = UNSET
    """ The hash of the HMAC. For: custom. """
    encoding: str | Unset = UNSET
    """ How the signature is written. For: custom. """
    template: str | Unset = UNSET
    """ What is signed, such as `{timestamp}.{body}`. For: custom. """
    timestamp_header: str | Unset = UNSET
    """ The header that holds the time, in unix seconds. For: custom. """
    secret_encoding: str | Unset = UNSET
    """ How a secret becomes the key. For: custom. """

    def to_dict(self) -> dict[str, Any]:
        type_header = self.type_header

        type_pointer = self.type_pointer

        id_header = self.id_header

        id_pointer = self.id_pointer

        auth = self.auth

        header = self.header

        prefix = self.prefix

        jwks_url = self.jwks_url

        issuer = self.issuer

        audience: list[str] | str | Unset
        if isinstance(self.audience, Unset):
            audience = UNSET
        elif isinstance(self.audience, list):
            audience = self.audience

        else:
            audience = self.audience

        scope = self.scope

        subject: list[str] | str | Unset
        if isinstance(self.subject, Unset):
            subject = UNSET
        elif isinstance(self.subject, list):
            subject = self.subject

        else:
            subject = self.subject

        format_ = self.format_

        expected: list[str] | str | Unset
        if isinstance(self.expected, Unset):
            expected = UNSET
        elif isinstance(self.expected, list):
            expected = self.expected

        else:
            expected = self.expected

        verified_header = self.verified_header

        verified_value = self.verified_value

        algorithm = self.algorithm

        encoding = self.encoding

        template = self.template

        timestamp_header = self.timestamp_header

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
        type_header = d.pop("type_header", UNSET)

        type_pointer = d.pop("type_pointer", UNSET)

        id_header = d.pop("id_header", UNSET)

        id_pointer = d.pop("id_pointer", UNSET)

        auth = d.pop("auth", UNSET)

        header = d.pop("header", UNSET)

        prefix = d.pop("prefix", UNSET)

        jwks_url = d.pop("jwks_url", UNSET)

        issuer = d.pop("issuer", UNSET)

        def _parse_audience(data: object) -> list[str] | str | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                audience_type_1 = cast(list[str], data)

                return audience_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | str | Unset, data)

        audience = _parse_audience(d.pop("audience", UNSET))

        scope = d.pop("scope", UNSET)

        def _parse_subject(data: object) -> list[str] | str | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                subject_type_1 = cast(list[str], data)

                return subject_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | str | Unset, data)

        subject = _parse_subject(d.pop("subject", UNSET))

        format_ = d.pop("format", UNSET)

        def _parse_expected(data: object) -> list[str] | str | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                expected_type_1 = cast(list[str], data)

                return expected_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | str | Unset, data)

        expected = _parse_expected(d.pop("expected", UNSET))

        verified_header = d.pop("verified_header", UNSET)

        verified_value = d.pop("verified_value", UNSET)

        algorithm = d.pop("algorithm", UNSET)

        encoding = d.pop("encoding", UNSET)

        template = d.pop("template", UNSET)

        timestamp_header = d.pop("timestamp_header", UNSET)

        secret_encoding = d.pop("secret_encoding", UNSET)

        source_verification = cls(
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

        return source_verification
