"""Runs the native load client against one server and reads the server's clocks between its lines."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

from accounting import Peak

BINARIES = pathlib.Path(os.environ["STOWAGE_BIN"]).parent / "tests"
RUN_SECONDS = 600
# Full handshakes: Pure-FTPd always, ProFTPD after an upload.
CANNOT_RESUME = {"Pure-FTPd", "ProFTPD"}
# And brings the next one on each data connection.
TAKES_SESSIONS_ONCE = {"vsftpd", "ProFTPD"}


class Load:
    """A client that is logged in. `run()` lets it work and returns its result, with what the server spent meanwhile:
    cpu (seconds) and peak (bytes of anonymous memory); leaving the context logs it out, and fails where a session had
    been lost."""

    def __init__(self, server, what, **options):
        options = {"port": server.port, "user": server.user, **options}
        if server.name in TAKES_SESSIONS_ONCE:
            options["resume"] = "newest"
        words = [f"{key}={value}" for key, value in options.items()]
        self.server = server
        descriptor, path = tempfile.mkstemp(prefix="stowage-bench-errors-")
        self.errors = pathlib.Path(path)
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [str(BINARIES / "bench_load"), what, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            text=True,
        )
        os.close(descriptor)

    def __enter__(self):
        try:
            self._say(self.server.password)
            self._hear()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
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
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(self._end()) from None

    def _hear(self):
        limit = threading.Timer(RUN_SECONDS, self.process.kill)
        limit.start()
        try:
            line = self.process.stdout.readline()
        finally:
            limit.cancel()
        if not line:
            raise RuntimeError(self._end())
        return line

    def _end(self):
        code = self.process.wait(RUN_SECONDS)
        words = self.errors.read_text(encoding="utf-8", errors="replace").strip() if self.errors.exists() else ""
        why = f"was killed, after {RUN_SECONDS} s at most" if code == -signal.SIGKILL else f"ended with {code}"
        return f"{self.server.name}: the load client {why}: {words[-300:]}"

    def __exit__(self, kind, *_):
        try:
            if kind is not None:
                self.process.kill()
                self.process.wait()
                return
            self._say("leave")
            self.process.stdin.close()
            if self.process.wait(RUN_SECONDS) != 0:
                raise RuntimeError(self._end())
        finally:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
            self.process.stdout.close()
            self.errors.unlink(missing_ok=True)


def once(server, what, **options):
    with Load(server, what, **options) as load:
        return load.run()
