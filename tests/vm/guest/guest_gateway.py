"""A gateway in the guest: labs on a disk of the test, exported by the kernel's nfsd."""

import ftplib
import os
import pathlib
import re
import subprocess
import types

import ftps_client
from ftps_client import FtpsClient
from kernel_nfsd import run, wait_until
from tour.gateway import Gateway
from tour.story import Failed

# Emulated, on a machine that others use too, a start and a login can take longer than anybody would wait elsewhere.
ftps_client.TIMEOUT_SECONDS, READY_SECONDS = 120, 300
LOGIN_ATTEMPTS = 4
LABS = pathlib.Path("/mnt/nfs")
BINARIES = pathlib.Path(os.environ["STOWAGE_BIN"])
PORTS = types.SimpleNamespace(ftps=21, ftps_implicit=990)
NODES = "10.77.0.0/16"
SETTINGS = {
    "labs.root": LABS,
    "labs.default_clients": f"127.0.0.0/8,{NODES}",
    "nfs.server": "kernel",
    "nfs.address": "10.77.1.1",
    "ftps.failed_login_time": "0s",
    "ftps.max_login_delay": "0s",
    "drain_timeout": "5s",
    "log_level": "debug",
}


def format_labs_disk(kind="ext4", options=(), device="/dev/disk/stowage/labs"):
    run("modprobe", kind)
    run(f"mkfs.{kind}", "-q", *options, device)


def mount_labs(kind="ext4", options="nosuid,nodev", device="/dev/disk/stowage/labs"):
    run("modprobe", kind)
    LABS.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", kind, "-o", options, device, str(LABS))


class GuestGateway(Gateway):
    """Its state lies in `folder`, which a test may put on a disk."""

    def __init__(self, folder="/var/lib/stowage-test", **settings):
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        super().__init__(folder, BINARIES)
        self.run_dir = pathlib.Path("/run/stowage-test")
        self.settings |= SETTINGS | {"run_dir": self.run_dir}
        self.settings |= {key.replace("__", "."): value for key, value in settings.items()}

    def start(self, *arguments, ready_seconds=READY_SECONDS, **options):
        try:
            super().start(*arguments, ready_seconds=ready_seconds, **options)
        except Failed as problem:
            print(problem, problem.remedy, *problem.details, sep="\n", flush=True)
            raise

    def command(self, *words, **options):
        try:
            return super().command(*words, **options)
        except Failed as problem:
            print(problem, *problem.details, sep="\n", flush=True)
            raise

    def try_command(self, *words):
        """`stowage WORDS` that may fail: (exit code, output)."""
        done = subprocess.run(
            [BINARIES / "stowage", "--socket", self.control_socket, *words],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def logged(self):
        """How much there is in the log by now, for until_logged()."""
        return self.log_path.stat().st_size

    def until_logged(self, since, patterns, seconds):
        """Waits until each pattern matches a line that was written since. It costs the guest next to nothing, as asking the
        gateway again and again does not."""

        def all_there():
            with open(self.log_path, "rb") as log:
                log.seek(since)
                text = log.read().decode(errors="replace")
            return all(re.search(pattern, text) for pattern in patterns)

        wait_until(all_there, seconds, f"log lines with {', '.join(patterns)}")

    def create_lab(self, name, *more):
        self.command("lab", "create", name, *more)
        return self.answer("lab", "show", name)

    def add_user(self, name, lab):
        return self.answer("user", "add", name, "--lab", lab)["password"]

    def login(self, user, password, **options):
        """Whoever is told that no login could be checked just now tries again, as clients do: PAM has 30 s, which an
        emulated guest on a busy machine may need."""
        for attempt in range(LOGIN_ATTEMPTS):
            client = FtpsClient(PORTS, self.certificate, **options)
            try:
                client.login(user, password)
            except (ftplib.error_temp, EOFError):
                client.drop()
                if attempt == LOGIN_ATTEMPTS - 1:
                    raise
            else:
                client.prot_p()
                return client
