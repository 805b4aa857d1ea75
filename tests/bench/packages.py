"""Debian's FTP servers, downloaded and unpacked into a folder that stays, never installed: no service starts."""

import os
import pathlib
import subprocess

# The servers, and those of their libraries that are seldom there.
PACKAGES = [
    "vsftpd",
    "proftpd-core",
    "proftpd-mod-crypto",
    "pure-ftpd",
    "libmemcached11",
    "libmemcachedutil2",
    "libhashkit2",
    "libhiredis0.14",
    "libpcre2-posix3",
    "libsodium23",
    "libwrap0",
]
EXECUTABLES = ["vsftpd", "proftpd", "pure-ftpd"]


class Packages:
    """@param folder where they are unpacked, and found again by the next run"""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.root = self.folder / "root"

    def are_here(self):
        return all((self.root / "usr" / "sbin" / name).exists() for name in EXECUTABLES)

    def fetch(self):
        if self.are_here():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *PACKAGES],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for package in self.folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(self.root)], check=True)

    def executable(self, name):
        return str(self.root / "usr" / "sbin" / name)

    def environment(self):
        libraries = [str(self.root / folder / "x86_64-linux-gnu") for folder in ("usr/lib", "lib")]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}

    def versions(self):
        return sorted(
            subprocess.run(
                ["dpkg-deb", "-W", "--showformat=${Package} ${Version}", str(path)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for path in self.folder.glob("*.deb")
            if path.name.startswith(("vsftpd", "proftpd-core", "pure-ftpd"))
        )
