"""Downloads over a real connection that is cut, refused or answered wrongly."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import random
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from longslope.catalog import transport
from longslope.catalog.download import Patience, fetch
from longslope.errors import WeightsError
from tests.unit.catalog.file_server import FileServer

CONTENT = random.Random(1).randbytes(1_500_000)
MOST = len(CONTENT)
AT_ONCE = Patience(tries=3, first_pause_s=0, read_timeout_s=10)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "weights.part"


def test_a_whole_file_arrives_and_every_byte_is_reported(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    heard: list[tuple[int, int]] = []
    fetch(f"{server.url}/w", part, most_bytes=MOST, report=lambda here, of: heard.append((here, of)))
    assert part.read_bytes() == CONTENT
    assert heard == sorted(heard)
    assert heard[-1] == (MOST, MOST)


def test_a_cut_is_continued_from_the_byte_where_it_happened(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    server.cuts = [400_000, 300_000]
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=400000-", "bytes=700000-"]


def test_what_an_earlier_run_left_is_not_fetched_again(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    part.write_bytes(CONTENT[:1_000_000])
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT
    assert server.ranges() == ["bytes=1000000-"]


def test_a_whole_part_needs_no_byte(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    part.write_bytes(CONTENT)
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT


def test_a_server_that_cannot_continue_starts_over(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    server.continues = False
    part.write_bytes(b"something older" * 1000)
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT


def test_a_server_that_continues_elsewhere_is_not_believed(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    server.shift = 10
    part.write_bytes(CONTENT[:1000])
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    part.write_bytes(CONTENT + b"more")
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    server.statuses = [503, 429]
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT


def test_a_line_that_brings_nothing_is_given_up_and_the_part_is_kept(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    server.cuts = [5000, 0, 0, 0, 0]
    with pytest.raises(WeightsError, match=r"3 times in a row. 5,000 bytes are kept.*pull again"):
        fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == CONTENT[:5000]


def test_a_line_that_goes_silent_is_a_cut(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    server.stalls = [200_000]
    fetch(f"{server.url}/w", part, most_bytes=MOST, patience=Patience(3, 0, read_timeout_s=0.2))
    assert part.read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=200000-"]


def test_nobody_listening_is_an_error_with_the_address(part: Path) -> None:
    with pytest.raises(WeightsError, match=r"http://127.0.0.1:9/w: no connection"):
        fetch("http://127.0.0.1:9/w", part, most_bytes=MOST, patience=AT_ONCE)


@pytest.mark.parametrize(
    ("status", "remedy"), [(404, "another source"), (403, "PIP_FIND_LINKS"), (418, "another")]
)
def test_a_refusal_is_final_and_says_the_remedy(
    server: FileServer, part: Path, status: int, remedy: str
) -> None:
    server.statuses = [status]
    with pytest.raises(WeightsError, match=rf"answered {status} .*{remedy}"):
        fetch(f"{server.url}/w", part, most_bytes=MOST, patience=AT_ONCE)
    assert len(server.asked) == 1


def test_the_address_in_a_message_holds_no_secret(server: FileServer, part: Path) -> None:
    secret = server.url.replace("http://", "http://user:password@") + "/w?signature=abc"
    with pytest.raises(WeightsError) as raised:
        fetch(secret, part, most_bytes=MOST, patience=AT_ONCE)
    assert "/w" in str(raised.value)
    assert not any(word in str(raised.value) for word in ("password", "signature", "abc"))


def test_another_size_is_refused_before_a_byte_is_kept(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    with pytest.raises(WeightsError, match=r"serves 1,500,000 bytes, not the 98,362,432"):
        fetch(f"{server.url}/w", part, most_bytes=10**9, expected_bytes=98_362_432, patience=AT_ONCE)
    assert not part.exists()


def test_an_endless_answer_is_stopped(server: FileServer, part: Path) -> None:
    server.files["/w"] = CONTENT
    server.says_length = False
    with pytest.raises(WeightsError, match="more than the 1,000,000"):
        fetch(f"{server.url}/w", part, most_bytes=1_000_000, patience=AT_ONCE)
    assert part.stat().st_size <= 1_000_000


def test_a_full_disk_is_told_as_such(server: FileServer) -> None:
    server.files["/w"] = CONTENT
    with pytest.raises(WeightsError, match=r"is full\. Free some room"):
        fetch(f"{server.url}/w", Path("/dev/full"), most_bytes=MOST, patience=AT_ONCE)


def test_a_file_address_works(part: Path, tmp_path: Path) -> None:
    origin = tmp_path / "a wheel.whl"
    origin.write_bytes(CONTENT)
    fetch(origin.as_uri(), part, most_bytes=MOST)
    assert part.read_bytes() == CONTENT
    origin.unlink()
    with pytest.raises(WeightsError, match=r"No such file"):
        fetch(origin.as_uri(), part, most_bytes=MOST)


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/w", "data:text/plain,w", "/etc/hostname"])
def test_other_schemes_are_refused(part: Path, address: str) -> None:
    with pytest.raises(WeightsError, match="Use http, https or file"):
        fetch(address, part, most_bytes=MOST)


@pytest.fixture
def private_https(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An https server whose certificate only its own file vouches for: (address, certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "private")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([local]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key, hashes.SHA256())
    certificate, key_file = tmp_path / "private.pem", tmp_path / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"weights")

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key_file)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{listening.server_port}/w", certificate
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_a_private_certificate_needs_to_be_made_known(
    private_https: tuple[str, Path], part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, certificate = private_https
    with pytest.raises(WeightsError, match=r"not trusted .*SSL_CERT_FILE"):
        fetch(address, part, most_bytes=MOST, patience=AT_ONCE)
    for name in transport.CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    transport.forget()
    fetch(address, part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == b"weights"


def test_a_certificate_that_pip_was_told_of_counts(
    private_https: tuple[str, Path], part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, certificate = private_https
    for name in transport.CERTIFICATE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\ncert = {certificate}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    transport.forget()
    fetch(address, part, most_bytes=MOST, patience=AT_ONCE)
    assert part.read_bytes() == b"weights"
