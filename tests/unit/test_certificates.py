"""Client certificates: read as a whole, or refused with a sentence that holds nothing of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webhooks.core.certificates import MAX_PEM, UnusableCertificate, UnusableKey, read_chain, read_key

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def leaf(authority: trustme.CA) -> trustme.LeafCert:
    return authority.create_child_ca().issue_cert("clarion@example.com")


def chain_of(leaf: trustme.LeafCert) -> str:
    return b"".join(blob.bytes() for blob in leaf.cert_chain_pems).decode()


def key_of(leaf: trustme.LeafCert) -> str:
    return leaf.private_key_pem.bytes().decode()


def why(text: str, now: datetime = NOW) -> str:
    with pytest.raises(UnusableCertificate) as caught:
        read_chain(text, now)
    return str(caught.value)


def why_not(text: str, certificate: x509.Certificate | None = None) -> str:
    with pytest.raises(UnusableKey) as caught:
        read_key(text, certificate)
    return str(caught.value)


def test_a_chain_and_its_key_are_written_canonically(leaf: trustme.LeafCert) -> None:
    messy = "some words\r\n" + chain_of(leaf).replace("\n", "\r\n") + "\nmore words"
    chain, own = read_chain(messy, NOW)
    assert chain.count("BEGIN CERTIFICATE") == len(leaf.cert_chain_pems) == 2
    assert "words" not in chain
    assert read_chain(chain, NOW)[0] == chain
    key = read_key(key_of(leaf), own)
    assert key.startswith("-----BEGIN PRIVATE KEY-----")
    assert read_key(key, own) == key


def test_a_key_among_the_certificates_is_refused_because_answers_show_them(leaf: trustme.LeafCert) -> None:
    assert "private_key" in why(chain_of(leaf) + key_of(leaf))


@pytest.mark.parametrize(
    "text",
    ["x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----", "é" * 10,
     "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "x" * (MAX_PEM + 1)],
)  # fmt: skip
def test_what_is_no_certificate_is_refused(text: str) -> None:
    assert why(text)


def test_a_chain_in_the_wrong_order_is_refused(leaf: trustme.LeafCert) -> None:
    pems = [blob.bytes().decode() for blob in leaf.cert_chain_pems]
    assert "not in order" in why("".join(reversed(pems)))


def test_too_many_certificates_are_refused(leaf: trustme.LeafCert) -> None:
    assert "at most" in why(chain_of(leaf) * 6)


def test_a_certificate_that_is_not_valid_now_is_refused(authority: trustme.CA) -> None:
    short = authority.issue_cert("a.example", not_after=NOW - timedelta(days=1))
    assert "expired on" in why(chain_of(short))
    assert "not valid before" in why(chain_of(authority.issue_cert("a.example")), datetime(1990, 1, 1, tzinfo=UTC))


def test_a_certificate_for_servers_only_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    assert "clientAuth" in why(made.public_bytes(serialization.Encoding.PEM).decode())


def test_a_key_of_another_certificate_is_refused(authority: trustme.CA, leaf: trustme.LeafCert) -> None:
    _, own = read_chain(chain_of(leaf), NOW)
    assert "does not belong" in why_not(key_of(authority.issue_cert("b.example")), own)


def test_an_encrypted_key_is_refused_with_the_way_out() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    text = key.private_bytes(*form, serialization.BestAvailableEncryption(b"x")).decode()
    assert "without a passphrase" in why_not(text)


def test_a_weak_key_is_refused() -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert "2048" in why_not(key.private_bytes(*form).decode())


@pytest.mark.parametrize("text", ["x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "x" * 40_000])
def test_what_is_no_key_is_refused(text: str) -> None:
    assert why_not(text)
