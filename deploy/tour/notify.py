"""The receiving end of sd_notify(3): the gateway says READY=1 when all of its processes serve."""

import os
import select
import socket
import time


class NotifySocket:
    """A datagram socket in the abstract namespace: no file to leave behind."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(b"")  # autobind(7): the kernel finds a free name

    @property
    def name(self):
        """For the environment variable NOTIFY_SOCKET."""
        return "@" + self._socket.getsockname()[1:].decode()

    def wait_ready(self, child, seconds):
        """True once READY=1 came; False when the child ended or the time was over before."""
        deadline = time.monotonic() + seconds
        pidfd = os.pidfd_open(child.pid)
        try:
            while True:
                left = deadline - time.monotonic()
                ready = select.select([self._socket, pidfd], [], [], max(left, 0))[0]
                if self._socket in ready:
                    if b"READY=1" in self._socket.recv(4096).split(b"\n"):
                        return True
                elif pidfd in ready or left <= 0:
                    return False
        finally:
            os.close(pidfd)

    def close(self):
        self._socket.close()
