"""A network namespace with TCP as Debian 12 and 13 have it, whatever this machine was set to: with BBR on the loopback
interface 64 uploads at once take a fifth more CPU a byte than one, with cubic they take the same."""

import contextlib
import ctypes
import os
import pathlib
import subprocess

from choices import refuse

_CLONE_NEWNET = 0x40000000
_IPV4 = pathlib.Path("/proc/sys/net/ipv4")  # of the namespace of whoever opens it: tcp(7), network_namespaces(7)
# Bytes: least, default, most. Newer kernels take more than 6 MiB, and some less on a machine of little memory.
AS_DEBIAN = {
    "tcp_congestion_control": "cubic",
    "tcp_rmem": "4096 131072 6291456",
    "tcp_wmem": "4096 16384 4194304",
}


def settings():
    """{name: value} of the calling thread's namespace."""
    return {name: " ".join((_IPV4 / name).read_text(encoding="ascii").split()) for name in AS_DEBIAN}


def _set_up():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, value in AS_DEBIAN.items():
        (_IPV4 / name).write_text(value, encoding="ascii")


@contextlib.contextmanager
def own_network():
    """For the calling thread and what it starts meanwhile, which reach nobody but each other on loopback addresses.

    Ends the bench, by refuse(), where this machine allows none."""
    libc = ctypes.CDLL(None, use_errno=True)

    def checked(result):
        if result != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    with open("/proc/thread-self/ns/net", "rb") as before, contextlib.ExitStack() as leaving:
        try:
            checked(libc.unshare(_CLONE_NEWNET))
            leaving.callback(lambda: checked(libc.setns(before.fileno(), _CLONE_NEWNET)))
            _set_up()
        except (OSError, subprocess.CalledProcessError) as problem:
            refuse(
                f"no network namespace of its own: {problem}",
                "give it CAP_SYS_ADMIN, CAP_NET_ADMIN and a /proc/sys that can be written to, and install iproute2",
            )
        yield
