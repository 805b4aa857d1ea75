"""Runs the native load client against one server and reads the server's clocks between its lines."""

import json
import os
import pathlib
import subprocess

from accounting import Peak

BINARIES = pathlib.Path(os.environ["STOWAGE_BIN"]).parent / "tests"
RUN_SECONDS = 1800
# Full handshakes: Pure-FTPd always, ProFTPD after an upload.
CANNOT_RESUME = {"Pure-FTPd", "ProFTPD"}
# And brings the next one on each data connection.
TAKES_SESSIONS_ONCE = {"vsftpd", "ProFTPD", "limit"}


class Load:
    """A client that is logged in. `run()` lets it work and returns its result, with what the server spent meanwhile:
    cpu (seconds) and peak (bytes of anonymous memory); leaving the context logs it out."""

    def __init__(self, server, what, **options):
        options = {"port": server.port, "user": server.user, **options}
        if server.name in TAKES_SESSIONS_ONCE:
            options["resume"] = "newest"
        words = [f"{key}={value}" for key, value in options.items()]
        self.server = server
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [str(BINARIES / "bench_load"), what, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        self._say(self.server.password)
        self._hear()
        return self

    def run(self):
        before = self.server.group.cpu_seconds()
        with Peak(self.server.group) as peak:
            self._say("go")
            result = json.loads(self._hear())
        result["cpu"] = self.server.group.cpu_seconds() - before
        result["peak"] = peak.bytes
        if result.get("not_resumed") and self.server.name not in CANNOT_RESUME:
            raise RuntimeError(f"{self.server.name}: data connections were not resumed: {result}")
        return result

    def _say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.server.name}: the load client ended with {self.process.wait()}")
        return line

    def __exit__(self, kind, *_):
        if kind is None:
            self._say("leave")
        self.process.stdin.close()
        if kind is not None:
            self.process.kill()
        self.process.wait(RUN_SECONDS)
        self.process.stdout.close()


def once(server, what, **options):
    with Load(server, what, **options) as load:
        return load.run()
