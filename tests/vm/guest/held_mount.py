"""A machine that does not reboot and holds a lab's mount, an open file and its lock, while the storage node does. The
two talk over a port on their cable: what the one is to do next the other one tells it."""

import fcntl
import os
import pathlib
import socket
import threading
import time

from kernel_nfsd import run
from nodes import connect

SERVER, CLIENT, PORT = "10.77.1.1", "10.77.1.2", 7077
PACE_SECONDS = 0.25
PATIENCE = 300


class Holder:
    """On the storage node: the other machine, as one asks it for something."""

    def __init__(self):
        connect(SERVER)

    def ask(self, *words):
        """What it answers; AssertionError with its words, if it could not."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with socket.create_connection((CLIENT, PORT), PATIENCE) as line:
                    line.sendall(" ".join(words).encode() + b"\n")
                    said = line.makefile("r").readline().strip()
                    break
            except OSError:  # it may come up later than we do
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        if not said.startswith("ok"):
            raise AssertionError(f"the other machine, {' '.join(words)}: {said}")
        return said.removeprefix("ok").strip()


class _Held(threading.Thread):
    """The file, open and locked; a line comes at each pace and is synced."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.target = pathlib.Path("/run/held")
        self.target.mkdir()
        run("mount", "-t", "nfs", "-o", "vers=4.2,actimeo=1", f"{SERVER}:{directory}", str(self.target))
        self.file = os.open(self.target / "held", os.O_CREAT | os.O_RDWR, 0o660)
        fcntl.lockf(self.file, fcntl.LOCK_EX)
        self.inode = os.fstat(self.file).st_ino
        self.lines, self.slowest, self.failure = 0, 0.0, None
        self.wrote, self.over = threading.Condition(), threading.Event()

    def run(self):
        try:
            while not self.over.wait(PACE_SECONDS):
                began = time.monotonic()
                os.write(self.file, b"%d\n" % self.lines)
                os.fsync(self.file)
                with self.wrote:
                    self.lines, self.slowest = self.lines + 1, max(self.slowest, time.monotonic() - began)
                    self.wrote.notify_all()
        except OSError as failure:
            with self.wrote:
                self.failure = failure
                self.wrote.notify_all()

    def more_lines(self):
        with self.wrote:
            wanted = self.lines + 3
            came = self.wrote.wait_for(lambda: self.failure or self.lines >= wanted, PATIENCE)
            assert came and not self.failure, self.failure or f"no more lines than {self.lines}"
        return f"{self.lines} lines"

    def end(self):
        self.over.set()
        self.join()
        assert os.fstat(self.file).st_ino == self.inode == os.stat(self.target / "held").st_ino
        written = os.pread(self.file, 1 << 20, 0).decode().split()
        assert written == [str(number) for number in range(self.lines)], "lines are lost, or twice"
        fcntl.lockf(self.file, fcntl.LOCK_UN)
        os.close(self.file)
        run("umount", str(self.target))
        return f"{self.lines} lines, the slowest took {self.slowest:.1f} s"


def serve():
    """The other machine, to its end."""
    connect(CLIENT)
    run("modprobe", "-a", "nfs", "nfsv4")
    run("mount", "-t", "rpc_pipefs", "rpc_pipefs", "/run/rpc_pipefs", check=False)
    held = None
    with socket.create_server((CLIENT, PORT)) as listening:
        word = ""
        while word != "end":
            line, _ = listening.accept()
            with line, line.makefile("rw") as stream:
                word, _, directory = stream.readline().strip().partition(" ")
                try:
                    if word == "hold":
                        held = _Held(directory)
                        held.start()
                    said = held.end() if word == "end" else held.more_lines()
                    stream.write(f"ok {said}\n")
                except (OSError, AssertionError) as failure:
                    stream.write(f"{failure!r}\n")
