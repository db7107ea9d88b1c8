"""Certificates that sign themselves, made by openssl."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest


class Certificate(NamedTuple):
    """A key and a certificate for 127.0.0.1, which is its own CA; both as PEM."""

    key: str
    certificate: str


@cache
def self_signed(name: str) -> Certificate:
    """The certificate of this name, the same for all tests. Without openssl the test is skipped."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("there is no openssl")
    with tempfile.TemporaryDirectory() as place:
        key, certificate = Path(place, "key"), Path(place, "certificate")
        names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        command = [openssl, "req", "-x509", *kind, *names, "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
        return Certificate(key.read_text(), certificate.read_text())
