"""Prism as a validating proxy: requests and answers that break Run:ai's official OpenAPI files do not pass it.

It needs npm once, or an installation of before in the cache, and ../shared/runai; without them the test is skipped.
"""

import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import time

from stowage_rig import SOURCE, skip
from tour.processes import Child

VERSION = "5.14.2"
SHARED = pathlib.Path(os.environ.get("STOWAGE_SHARED", SOURCE.parent / "shared"))
CACHE = pathlib.Path(os.environ.get("STOWAGE_CACHE", pathlib.Path.home() / ".cache" / "stowage"))
START_SECONDS = 120


def document_for(version):
    """The OpenAPI file of "2.20" or "2.24"."""
    document = SHARED / "runai" / f"openapi-{version}.json"
    if not document.exists():
        skip(f"no OpenAPI files in {SHARED}/runai (set STOWAGE_SHARED)")
    return document


def executable():
    """Path of the prism program, installed into the cache at the first run."""
    directory = CACHE / f"prism-{VERSION}"
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "installed").exists():
            _install(directory)
    if not shutil.which("node"):
        skip("node is not installed")
    return directory / "node_modules" / ".bin" / "prism"


def _install(directory):
    if not shutil.which("npm"):
        skip("npm is not installed")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(directory)]
    command.append(f"@stoplight/prism-cli@{VERSION}")
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        skip("npm install did not end within 300 s")
    if result.returncode != 0:
        skip("npm cannot install Prism: " + (result.stdout + result.stderr).strip()[-300:])
    (directory / "installed").touch()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prism:
    """A proxy before `upstream` that holds both sides to the document of `version`."""

    def __init__(self, program, version, upstream, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = pathlib.Path(folder) / f"prism-{version}.log"
        command = [str(program), "proxy", "-h", "127.0.0.1", "-p", str(self.port), "--errors"]
        with open(self.log_path, "wb") as log:
            command += [str(document_for(version)), upstream]
            self.child = Child("prism", command, stdout=log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while True:
            if self.child.popen.poll() is not None:
                raise AssertionError("Prism ended:\n" + self.log())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise AssertionError("Prism does not listen:\n" + self.log()) from None
                time.sleep(0.05)  # bounded poll: what it prints when it listens is not documented

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def complaints(self):
        """Lines of the log that tell of a violation. Schemas that Prism cannot compile it does not apply, and says so
        here alone."""
        words = ("iolation", "can't resolve reference")
        return [line for line in self.log().splitlines() if any(word in line for word in words)]

    def forwarded(self):
        """How many requests it passed on."""
        return self.log().count("Forwarding")

    def stop(self):
        return self.child.stop()
