"""The installed package on Debian's own systemd: the programs of the PATH, the service, its journal."""

import hashlib
import json
import os
import pathlib
import sqlite3
import subprocess
import types

import ftps_client
import kernel_nfsd
from ftps_client import FtpsClient

ftps_client.TIMEOUT_SECONDS = 120  # emulated, on a machine that others use too
PACKAGES = pathlib.Path(os.environ["STOWAGE_SOURCE"]) / "packages"
LABS, STATE = pathlib.Path("/mnt/nfs"), pathlib.Path("/var/lib/stowage")
CONFIG = pathlib.Path("/etc/stowage/stowage.yaml")
CERTIFICATE = pathlib.Path("/run/stowage/certificate.pem")
PORTS = types.SimpleNamespace(ftps=21, ftps_implicit=990)
PATIENCE = 300


def run(*words, check=True):
    """A program's output; where it fails the journal of the service, too."""
    try:
        return kernel_nfsd.run(*words, check=check)
    except AssertionError as failure:
        raise AssertionError(f"{failure}\n{journal()}") from None


def journal():
    return kernel_nfsd.run("journalctl", "-u", "stowage", "-n", "60", "--no-pager", check=False)


def wait_until(condition, what, seconds=PATIENCE):
    try:
        return kernel_nfsd.wait_until(condition, seconds, what)
    except AssertionError as late:
        raise AssertionError(f"{late}\n{journal()}") from None


def answer(*words):
    return json.loads(run("stowage", "--json", *words).splitlines()[-1])


def unit(name, check=True):
    return run("systemctl", "show", "--value", "-p", name, "stowage", check=check).strip()


def install(name):
    run("dpkg", "--force-confold", "-i", str(PACKAGES / f"{name}.deb"))


def login(user, password):
    client = FtpsClient(PORTS, CERTIFICATE)
    client.login(user, password)
    client.prot_p()
    return client


def labs_are_ready():
    done = subprocess.run(["stowage", "--json", "status"], capture_output=True, text=True, check=False)
    labs = json.loads(done.stdout)["labs"] if done.returncode in (0, 3) else []
    return bool(labs) and all(lab["state"] == "ready" for lab in labs)


def identities():
    with sqlite3.connect(f"file:{STATE}/controller/stowage.db?mode=ro", uri=True) as database:
        return [list(row) for row in database.execute("SELECT name, uid, export_id, fsid FROM labs ORDER BY name")]


def hashes():
    """Of every file in the labs that is not the gateway's own, nor being written: its checks make one for a moment."""
    found = {}
    for path in sorted(LABS.rglob("*")):
        if not any(part.startswith(".stowage") for part in path.parts) and path.is_file() and path.name != "held":
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def exports():
    ours = [(key, options) for key, options in kernel_nfsd.etab().items() if key[0].startswith(str(LABS))]
    return {f"{path} {client}": sorted(options) for (path, client), options in ours}


def journal_entry(*fields):
    """The last one; journald writes it down some time after it was told."""
    lines = lambda: run("journalctl", *fields, "-n", "1", "-o", "json", "--no-pager").splitlines()  # noqa: E731
    return json.loads(wait_until(lambda: [line for line in lines() if line.startswith("{")], f"an entry with {fields}")[-1])
