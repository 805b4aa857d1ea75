"""The limit: OpenSSL on a socket and write(2) or read(2), measured like a server. Large files are served by
bench_bare_loop, small ones, which cost by the file, by bench_bare_session."""

import contextlib
import os
import subprocess

from accounting import Group
from load import BINARIES, once


PLAIN, DURABLE = "limit", "limit, durable"
LIMITS = (PLAIN, DURABLE)


class Limit:
    """Large files: one a connection. Small ones: while `serving()`."""

    user, password = "none", "none"

    def __init__(self, site, durable=False):
        """@param durable one fsync(2) before each 226 of a small file"""
        self.name, self.durable = DURABLE if durable else PLAIN, durable
        self.site, self.port, self.group = site, 0, None
        self.folder_of_files = site.folder
        self.home, self.owner = site.folder / f"{self.name}-home", (0, 0)
        self.home.mkdir(exist_ok=True)

    def measure(self, direction, sessions, files, size):
        """Each file has a connection, of which so many at once are served as there are sessions.

        @param direction "put" (the limit receives upN-0) or "get" (it sends downN-0)"""
        self.group = Group("limit")
        loop = None
        try:
            with self.group.around():
                loop = subprocess.Popen(  # pylint: disable=consider-using-with
                    [
                        str(BINARIES / "bench_bare_loop"),
                        "receive" if direction == "put" else "send",
                        str(self.site.certificate),
                        str(self.site.private_key),
                        str(sessions * files),
                        str(self.home / ("up" if direction == "put" else "down")),
                    ],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            self.port = _port(loop)
            result = once(self, f"raw-{direction}", sessions=sessions, files=files, bytes=size)
            if loop.wait(60) != 0:
                raise RuntimeError(f"bench_bare_loop ended with {loop.returncode}")
            return result
        finally:
            self._end(loop)

    def _end(self, process):
        """Of a failed run, too: with what is left of the group's processes."""
        if process:
            process.kill()
            process.wait()
            process.stdout.close()
        self.group.remove()

    @contextlib.contextmanager
    def serving(self):
        """FTPS with nothing around it, in `home`."""
        self.group = Group("limit")
        with self.group.around():
            session = subprocess.Popen(
                [
                    str(BINARIES / "bench_bare_session"),
                    str(self.site.certificate),
                    str(self.site.private_key),
                    str(self.home),
                    *(["durable"] if self.durable else []),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        try:
            self.port = _port(session)
            yield
        finally:
            session.stdin.close()
            self._end(session)


def _port(process):
    line = process.stdout.readline()
    if not line.strip().isdigit():
        raise RuntimeError(f"the limit ended with {process.wait()} before it listened")
    return int(line)


def make_file(path, size, owner=None):
    """Of bytes that no filesystem packs, in the page cache."""
    block = os.urandom(min(size, 1 << 20))
    with open(path, "wb") as file:
        for offset in range(0, size, 1 << 20):
            file.write(block[: min(len(block), size - offset)])
    if owner:
        os.chown(path, *owner)
