"""A network namespace with TCP as Debian has it, whatever this machine was set to. Pacing by BBR, which some have set,
costs whoever happens to run at that moment: on the loopback interface 64 uploads at once seem to take a fifth more CPU
a byte than one, where they take the same."""

import contextlib
import ctypes
import os
import pathlib
import subprocess

from choices import refuse

_CLONE_NEWNET = 0x40000000
_IPV4 = pathlib.Path("/proc/sys/net/ipv4")  # of the namespace of whoever opens it: tcp(7), network_namespaces(7)
# Bytes: least, default, most. Of the most, what Linux takes on a machine of 1 GiB and more.
AS_DEBIAN = {
    "tcp_congestion_control": "cubic",
    "tcp_rmem": "4096 131072 6291456",
    "tcp_wmem": "4096 16384 4194304",
}


def settings():
    """{name: value} of the calling process's namespace."""
    return {name: " ".join((_IPV4 / name).read_text(encoding="ascii").split()) for name in AS_DEBIAN}


@contextlib.contextmanager
def own_network():
    """For the calling thread and what it starts meanwhile, which reach nobody but each other on loopback addresses.

    It ends the bench where the kernel allows none."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as before:
        if libc.unshare(_CLONE_NEWNET) != 0:
            why = os.strerror(ctypes.get_errno())
            refuse(f"unshare(CLONE_NEWNET): {why}", "give this container CAP_SYS_ADMIN, or run it on the node itself")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            for name, value in AS_DEBIAN.items():
                (_IPV4 / name).write_text(value, encoding="ascii")
            yield
        finally:
            libc.setns(before.fileno(), _CLONE_NEWNET)
