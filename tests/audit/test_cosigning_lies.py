"""What a witness may answer instead of its signature, and that none of it is ever published."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from audit.cosigning import LONGEST_ANSWER
from audit.notes import COSIGNATURE
from tests.audit.witnesses import NAMED, ALog, Site, a_signer, http_answer, later, looked, lying, the_text

TEXT_OF_ANOTHER = ALog().checkpoint(4).text
LIES = {
    "a false signature": (lambda text: NAMED.line(TEXT_OF_ANOTHER, seconds=7), "its signature is false"),
    "another key": (
        lambda text: a_signer("liar.example", 31, kind=COSIGNATURE).line(text, seconds=7),
        "with another key",
    ),
    "another name": (lambda text: a_signer("b.example", 30, kind=COSIGNATURE).line(text, seconds=7), "another key"),
    "no signature": (lambda text: "Well done.\n", "is no signature"),
    "nothing": (lambda text: "", "is no signature"),
    "another text before the signature": (lambda text: f"x\n\n{NAMED.line(text, seconds=7)}", "is no signature"),
    "a time yet to come": (lambda text: NAMED.line(text, seconds=2**40), "yet to come"),
    "no end": (lambda text: NAMED.line(text, seconds=7) * (LONGEST_ANSWER // 100), "too long"),
    "a true and a false one": (
        lambda text: NAMED.line(text, seconds=7) + NAMED.line(TEXT_OF_ANOTHER, seconds=7),
        "its signature is false",
    ),
}


@pytest.mark.parametrize(("lie", "said"), LIES.values(), ids=LIES.keys())
def test_a_lie_is_never_published(tmp_path, caplog, lie, said):
    with lying(lambda body: http_answer(lie(the_text(body)))) as liar:
        site = Site.at(tmp_path, liar.line(NAMED.key))
        site.grow(5)
        looked(site.cosigning())
    assert site.folder.checkpoint() == site.log.note(5)
    assert not (site.folder.path / "cosigned").exists()
    assert said in caplog.text


def test_of_several_signatures_only_that_of_the_key_in_the_policy_is_taken(tmp_path):
    stranger = a_signer("liar.example", 31, kind=COSIGNATURE)
    both = lambda body: stranger.line(the_text(body), seconds=6) + NAMED.line(the_text(body), seconds=7)  # noqa: E731
    with lying(lambda body: http_answer(both(body))) as witness:
        site = Site.at(tmp_path, witness.line(NAMED.key))
        site.grow(5)
        looked(site.cosigning())
    assert site.folder.checkpoint() == site.log.note(5) + NAMED.line(ALog().checkpoint(5).text, seconds=7)


ANSWERS = {
    "elsewhere": (http_answer("", "307 Moved", "text/plain", "Location: http://127.0.0.1:9/add-checkpoint"), "307"),
    "an inner fault": (http_answer("\x1b[31mtrouble\n", "500 Fault"), "answered 500: '\\x1b"),
    "an unknown log": (http_answer("who?", "404 Not Found"), "answered 404"),
    "a size without its type": (http_answer("3\n", "409 Conflict"), "answered 409"),
    "a size that is none": (http_answer("three\n", "409 Conflict", "text/x.tlog.size"), "answered 409"),
    "the size it was asked from": (http_answer("0\n", "409 Conflict", "text/x.tlog.size"), "had another past"),
    "a size beyond the log": (http_answer("9\n", "409 Conflict", "text/x.tlog.size"), "it signed 9 lines"),
    "no http at all": (b"SSH-2.0\r\n\r\n", "cannot be reached"),
    "a broken end": (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nx", "has not signed"),
}


@pytest.mark.parametrize(("answer", "said"), ANSWERS.values(), ids=ANSWERS.keys())
def test_whatever_else_it_answers_is_told_to_the_operator(tmp_path, caplog, answer, said):
    with lying(lambda body: answer) as liar:
        site = Site.at(tmp_path, liar.line(NAMED.key))
        site.grow(5)
        cosigning = site.cosigning()
        looked(cosigning)
        assert len(liar.asked) == 1
        looked(cosigning, later())
        assert len(liar.asked) == (1 if said == "it signed 9 lines" else 2)
    assert site.folder.checkpoint() == site.log.note(5)
    assert said in caplog.text
    assert caplog.text.count("has not signed") == 1, "the same complaint is made once"


def test_one_that_names_a_new_size_each_time_is_not_asked_for_ever(tmp_path, caplog):
    with lying(lambda body: http_answer(f"{len(liar.asked)}\n", "409 Conflict", "text/x.tlog.size")) as liar:
        site = Site.at(tmp_path, liar.line(NAMED.key))
        site.grow(50)
        looked(site.cosigning())
        assert len(liar.asked) == 3
    assert "a different size each time" in caplog.text


@pytest.fixture
def certificate(tmp_path):
    """One for 127.0.0.1 that signs itself: the server's side of TLS, and the file in which readers would trust it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "witness")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "tls.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


@pytest.mark.parametrize("trusted", [True, False])
def test_over_https_only_the_server_with_a_trusted_certificate_is_asked(tmp_path, monkeypatch, certificate, trusted):
    context, file = certificate
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", os.fspath(file))
    with lying(lambda body: http_answer(NAMED.line(the_text(body), seconds=7)), context) as witness:
        site = Site.at(tmp_path, witness.line(NAMED.key, "https"))
        site.grow(5)
        looked(site.cosigning())
        assert len(witness.asked) == (1 if trusted else 0)
    assert site.signed() == (5, {"liar.example"} if trusted else set())
