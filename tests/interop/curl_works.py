"""curl of Debian 12, TLS 1.2 and 1.3, one connection and --parallel: the scenario, and what only curl does.

Taken out (that any ticket of the same login will do, LiveSessions::may_resume()): test_parallel fails, with both versions.
Taken out (replace_ticket()): on a busy machine (four of it at once on two cores) test_parallel fails in 14 of 24 runs, over TLS
1.3, and with it in none of 96."""

import calendar
import os
import re
import shutil
import subprocess
import time
import unittest
from urllib.parse import quote

from client import Client, debian_version
import scenario
from stowage_rig import run_tests, skip

TLS = {"1.2": ["--tlsv1.2", "--tls-max", "1.2"], "1.3": ["--tlsv1.3"]}
_PARALLEL = ["--parallel", "--parallel-immediate"]


def _setting(name, value):
    """A line of curl's configuration file."""
    return f'{name} = "' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"\n'


class Curl(Client):
    """One call for a whole tree: curl has no recursion, so its list is the adapter's; down, the list is from MLSD."""

    def __init__(self, version, parallel):
        self.name = f"curl{' --parallel' if parallel else ''}, TLS {version}"
        self.tls, self.words = TLS[version], [*TLS[version], *(_PARALLEL if parallel else [])]

    def version(self):
        return debian_version("curl")

    def run(self, *words, config="", ok=True):
        command = ["curl", "--silent", "--show-error", "--fail-early", "--ssl-reqd", "--globoff"]
        command += ["--cacert", self.host.certificate, "--config", "-", *words]
        account = _setting("user", f"{self.host.user}:{self.host.password}")
        done = subprocess.run(
            command, input=(account + config).encode(), capture_output=True, timeout=120, check=False
        )
        if ok:
            assert done.returncode == 0, f"curl ended with {done.returncode}: {done.stderr.decode()}"
        return done

    def url(self, path, implicit=False):
        ports = self.host.ports
        server = f"ftps://127.0.0.1:{ports.ftps_implicit}" if implicit else f"ftp://127.0.0.1:{ports.ftps}"
        return f"{server}/{quote(path)}"

    def upload_tree(self, local, remote):
        files = [path for path in sorted(local.rglob("*")) if path.is_file()]
        pairs = [(path, f"{remote}/{path.relative_to(local)}") for path in files]
        config = "".join(_setting("upload-file", path) + _setting("url", self.url(there)) for path, there in pairs)
        self.run(*self.words, "--ftp-create-dirs", config=config)

    def entries(self, remote):
        """(type, name) from MLSD."""
        listing = self.run(*self.tls, "--request", "MLSD", self.url(f"{remote}/")).stdout.decode()
        for line in filter(None, re.split("\r?\n", listing)):
            facts, _, name = line.partition(" ")
            yield dict(fact.lower().split("=", 1) for fact in facts.split(";") if fact)["type"], name

    def walk(self, remote):
        for kind, name in self.entries(remote):
            if kind == "dir":
                yield from self.walk(f"{remote}/{name}")
                yield "dir", f"{remote}/{name}"
            elif kind == "file":
                yield "file", f"{remote}/{name}"

    def download_tree(self, remote, local):
        config = ""
        for kind, path in self.walk(remote):
            if kind == "file":
                config += _setting("url", self.url(path)) + _setting("output", local / os.path.relpath(path, remote))
        self.run(*self.words, "--create-dirs", config=config)

    def names(self, remote):
        return self.run(*self.tls, "--list-only", self.url(f"{remote}/")).stdout.decode().splitlines()

    def upload_with_time(self, local, remote):
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(local.stat().st_mtime))
        after = _setting("quote", f"-MFMT {stamp} {os.path.basename(remote)}")
        self.run(*self.tls, "--upload-file", str(local), self.url(remote), config=after)

    def download_with_time(self, remote, local):
        self.run(*self.tls, "--remote-time", "--output", str(local), self.url(remote))

    def resume_upload(self, local, remote):
        self.run(*self.tls, "--continue-at", "-", "--upload-file", str(local), self.url(remote))

    def resume_download(self, remote, local):
        self.run(*self.tls, "--continue-at", "-", "--output", str(local), self.url(remote))

    def commands(self, *commands):
        self.run(*self.tls, "--head", self.url(""), config="".join(_setting("quote", line) for line in commands))

    def rename(self, old, new):
        self.commands(f"RNFR {old}", f"RNTO {new}")

    def delete_tree(self, remote):
        verbs = {"dir": "RMD", "file": "DELE"}
        self.commands(*[f"{verbs[kind]} {path}" for kind, path in self.walk(remote)], f"RMD {remote}")


class CurlWorks(scenario.Scenario):
    clients = tuple(Curl(version, parallel) for version in TLS for parallel in (False, True))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = Curl("1.3", False)
        cls.client.start(cls.host_for("more"))
        cls.big = cls.local / "weights" / "model 1.bin"

    def stored(self, name):
        return self.rig.labs / "lab1" / name

    def test_up_and_down(self):
        for version, words in TLS.items():
            for implicit in (False, True):
                with self.subTest(version=version, implicit=implicit):
                    name = f"tls-{version}-{implicit}.bin"
                    url = self.client.url(name, implicit)
                    self.client.run(*words, "--upload-file", str(self.big), url)
                    self.assertEqual(self.stored(name).read_bytes(), self.big.read_bytes())
                    self.assertEqual(self.client.run(*words, url).stdout, self.big.read_bytes())

    def test_parallel(self):
        """curl mixes the TLS sessions of its parallel connections."""
        for version, words in TLS.items():
            with self.subTest(version):
                names = [f"parallel-{version}-{number}" for number in range(6)]
                more = []
                for name in names:
                    more += ["--upload-file", str(self.big), self.client.url(name)]
                self.client.run(*words, *_PARALLEL, *more)
                for name in names:
                    self.assertEqual(self.stored(name).read_bytes(), self.big.read_bytes())
                less = []
                for name in names:
                    less += ["--output", str(self.local / name), self.client.url(name)]
                self.client.run(*words, *_PARALLEL, *less)
                for name in names:
                    self.assertEqual((self.local / name).read_bytes(), self.big.read_bytes())

    def test_active_mode(self):
        """curl before 8.0 forgets TLS on data connections that it accepted, and sends the file in the clear."""
        words = ["--ftp-port", "127.0.0.1", "--upload-file", "/etc/os-release", self.client.url("active")]
        done = self.client.run(*words, ok=False)
        works = int(debian_version("curl").split(".")[0]) >= 8
        self.assertEqual(
            (done.returncode == 0, self.stored("active").exists()), (works, works), done.stderr.decode()
        )

    def test_time_is_a_header(self):
        self.client.run("--upload-file", "/etc/os-release", self.client.url("timed"))
        header = self.client.run("--head", self.client.url("timed")).stdout.decode().splitlines()[0]
        moment = time.strptime(header, "Last-Modified: %a, %d %b %Y %H:%M:%S GMT")
        self.assertEqual(calendar.timegm(moment), int(self.stored("timed").stat().st_mtime))

    def test_plain_text_is_refused(self):
        self.assertEqual(self.without_tls(), 67)

    def test_unknown_certificate_is_refused_by_curl(self):
        self.assertEqual(self.without_tls("--ssl-reqd"), 60)

    def without_tls(self, *words):
        """curl's exit code when it is given neither the certificate nor, without words, the wish for TLS."""
        account = _setting("user", f"{self.client.host.user}:{self.client.host.password}")
        command = ["curl", "--silent", *words, "--config", "-", self.client.url("")]
        return subprocess.run(
            command, input=account.encode(), capture_output=True, timeout=30, check=False
        ).returncode


if __name__ == "__main__":
    if not shutil.which("curl"):
        skip("curl is not installed")
    run_tests()
