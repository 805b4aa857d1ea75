"""Reading a lab over NFS through libnfs: no mount, no kernel module, the way of the wire."""

import subprocess

from tour.story import Failed

READ_SECONDS = 120


class RemoteFile:
    """One file as the NFS server shows it."""

    def __init__(self, line):
        self.sha256, uid, gid, size, self.path = line.split(" ", 4)
        self.uid, self.gid, self.size = int(uid), int(gid), int(size)


def url(host, port, path):
    """libnfs' own form, NFSv4."""
    return f"nfs://{host}{path}?version=4&nfsport={port}"


def read_tree(binaries, share):
    """RemoteFile by path below what the URL names, all bytes read."""
    done = subprocess.run(
        [str(binaries / "nfs_read"), share],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=READ_SECONDS,
    )
    if done.returncode != 0:
        raise Failed("reading over NFS failed", "", done.stderr.splitlines()[-5:])
    return {file.path: file for file in map(RemoteFile, done.stdout.splitlines())}
