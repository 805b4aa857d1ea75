"""The limit: OpenSSL on a socket and write(2) or read(2), measured like a server. Large files are served by
bench_bare_loop, small ones, which cost by the file, by bench_bare_session."""

import contextlib
import os
import subprocess

from accounting import Group
from load import BINARIES, Load


class Limit:
    """Large files: one connection, one file. Small ones: while `serving()`."""

    name, user, password, durable = "limit", "none", "none", False

    def __init__(self, site):
        self.site, self.port, self.group = site, 0, None
        self.file, self.folder_of_files = site.folder / "limit-file", site.folder
        self.home, self.owner = site.folder / "limit-home", (0, 0)
        self.home.mkdir(exist_ok=True)

    def measure(self, direction, size):
        """direction: "put" (the limit receives) or "get"."""
        if direction == "get" and not self.file.exists():
            make_file(self.file, size)
        self.group = Group("limit")
        try:
            with self.group.around():
                loop = subprocess.Popen(  # pylint: disable=consider-using-with
                    [
                        str(BINARIES / "bench_bare_loop"),
                        "receive" if direction == "put" else "send",
                        str(self.site.certificate),
                        str(self.site.private_key),
                        str(self.file),
                    ],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            self.port = int(loop.stdout.readline())
            with Load(self, f"raw-{direction}", bytes=size) as load:
                result = load.run()
            loop.wait(60)
            loop.stdout.close()
            return result
        finally:
            self.group.remove()
            if direction == "put":
                self.file.unlink(missing_ok=True)

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
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        try:
            self.port = int(session.stdout.readline())
            yield
        finally:
            session.stdin.close()
            session.wait(60)
            session.stdout.close()
            self.group.remove()


def make_file(path, size, owner=None):
    """Of bytes that no filesystem packs, in the page cache."""
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for offset in range(0, size, len(block)):
            file.write(block[: min(len(block), size - offset)])
    if owner:
        os.chown(path, *owner)
