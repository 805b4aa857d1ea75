"""Certificates for tests, by openssl(1): good ones, and ones that are not valid any more."""

import os
import subprocess

_CA_CONFIG = """\
[ca]
default_ca = self
[self]
dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
x509_extensions = server
[any]
commonName = supplied
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


def make(folder, name, dates=("20200101000000Z", "20491231235959Z")):
    """A self-signed one for localhost, valid between the dates. Returns the paths of key and certificate."""
    folder.mkdir(exist_ok=True)
    key, request, chain = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
    config = folder / "ca.cnf"
    config.write_text(_CA_CONFIG.format(folder=folder), encoding="ascii")
    (folder / "index.txt").touch()
    if not (folder / "serial").exists():
        (folder / "serial").write_text("01\n", encoding="ascii")
    _openssl(
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(request),
        "-subj",
        "/CN=localhost",
    )
    _openssl(
        "ca",
        "-batch",
        "-selfsign",
        "-config",
        str(config),
        "-keyfile",
        str(key),
        "-in",
        str(request),
        "-out",
        str(chain),
        "-startdate",
        dates[0],
        "-enddate",
        dates[1],
        "-notext",
    )
    os.chmod(key, 0o600)
    return key, chain


def make_ca(folder, name):
    """A CA for client certificates. Returns the paths of key and certificate."""
    folder.mkdir(exist_ok=True)
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    _new_key("-x509", "-keyout", key, "-out", certificate, "-days", "30", "-subj", f"/CN={name}")
    return key, certificate


def make_client(folder, name, ca):
    """A TLS client's certificate, signed by what make_ca() returned. Returns the paths of key and certificate."""
    key, request, certificate = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
    extensions = folder / f"{name}.ext"
    extensions.write_text("extendedKeyUsage = clientAuth\n", encoding="ascii")
    _new_key("-keyout", key, "-out", request, "-subj", f"/CN={name}")
    signing = ["-CA", ca[1], "-CAkey", ca[0], "-CAcreateserial", "-days", "30", "-extfile", extensions]
    _openssl("x509", "-req", "-in", request, "-out", certificate, *signing)
    return key, certificate


def _new_key(*words):
    _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *words)


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
