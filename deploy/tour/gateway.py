"""A gateway of our own: its folders, its settings, its start, and the `stowage` command that talks to it."""

import json
import os
import pathlib
import signal
import subprocess

from tour import machine
from tour.journal import private
from tour.notify import NotifySocket
from tour.processes import Child
from tour.story import Failed

READY_SECONDS = 60
DRAIN_SECONDS = 5
COMMAND_SECONDS = 300
LONGEST_SOCKET_PATH = 107
SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Gateway:
    """Everything of it lies below `folder`. `settings` are the keys that differ from the embedded defaults;
    `overrides` (KEY=VALUE) win over them, as --set."""

    def __init__(self, folder, binaries, journal=None):
        self.folder, self.binaries, self.journal = pathlib.Path(folder), pathlib.Path(binaries), journal
        self.log_path = self.folder / "gateway.log"
        self.config_path = self.folder / "stowage.yaml"
        self.state_dir = self.folder / "state"
        self.run_dir = self.folder / "run"
        self.settings = self._base_settings()
        self.child = None

    def _base_settings(self):
        controller, front, admin = machine.unused_ids(3)
        return {
            "state_dir": self.state_dir,
            "run_dir": self.run_dir,
            "drain_timeout": f"{DRAIN_SECONDS}s",
            "process.controller_user": controller,
            "process.front_user": front,
            "process.admin_group": admin,
            "accounts.pam_confdir": self.folder / "pam.d",
            "accounts.password_file": self.state_dir / "ftps.passwd",
        }

    @property
    def control_socket(self):
        return self.run_dir / "control.sock"

    @property
    def certificate(self):
        return self.state_dir / "tls" / "certificate.pem"

    @property
    def published_certificate(self):
        """The chain that is served, for everybody to read: the other one lies beside its key."""
        return self.run_dir / "certificate.pem"

    def use_ports(self, block):
        """A block of free ports instead of the well-known ones. The kernel's NFS server has but one port, so the
        gateway brings its own."""
        self.settings |= {
            "ftps.port": block.ftps,
            "ftps.implicit_port": block.ftps_implicit,
            "ftps.passive_ports": f"{block.passive[0]}-{block.passive[1]}",
            "nfs.port": block.nfs,
            "nfs.server": "ganesha",
        }

    def write_files(self):
        """PAM service and configuration, below `folder`."""
        pam = self.folder / "pam.d"
        pam.mkdir(exist_ok=True)
        template = (SOURCE / "deploy" / "pam.d" / "stowage").read_text(encoding="utf-8")
        (pam / "stowage").write_text(
            template.replace("/var/lib/stowage/ftps.passwd", str(self.settings["accounts.password_file"])),
            encoding="utf-8",
        )
        lines = [f"{key}: {json.dumps(str(value))}\n" for key, value in self.settings.items()]
        self.config_path.write_text("# What differs from the embedded defaults.\n" + "".join(lines), encoding="utf-8")
        self.config_path.chmod(0o644)

    def start(self, overrides=(), ready_seconds=READY_SECONDS, **popen):
        """Returns when every process serves."""
        if len(str(self.control_socket)) > LONGEST_SOCKET_PATH:
            raise Failed(f"{self.control_socket} is too long for a socket", "choose a shorter --state DIR")
        self.write_files()
        notify = NotifySocket()
        command = [str(self.binaries / "stowage-supervisor"), "--config", str(self.config_path)]
        for override in overrides:
            command += ["--set", override]
        try:
            with open(self.log_path, "ab", opener=private) as log:  # it names users and paths
                self.child = Child(
                    "supervisor",
                    command,
                    journal=self.journal,
                    grace_seconds=DRAIN_SECONDS + 15,
                    last_signal=signal.SIGTERM,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "NOTIFY_SOCKET": notify.name},
                    **popen,
                )
            if not notify.wait_ready(self.child, ready_seconds):
                raise self.not_ready(ready_seconds)
        finally:
            notify.close()

    def not_ready(self, seconds):
        if self.child.alive():
            return Failed(
                f"the gateway was not ready within {seconds} s", "its log says what it waits for", self.log_tail()
            )
        return Failed(
            f"the gateway ended with exit code {self.child.popen.returncode}",
            "its last words say what to change",
            self.log_tail(),
        )

    def log_tail(self, lines=25):
        if not self.log_path.exists():
            return []
        return self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]

    def command(self, *words, on_line=None, **popen):
        """Runs `stowage WORDS`; returns its standard output. on_line(text) sees each line as it comes."""
        child = Child(
            "stowage",
            [str(self.binaries / "stowage"), "--socket", str(self.control_socket), *words],
            journal=self.journal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            **popen,
        )
        lines = []
        with child.popen.stdout as output:
            for line in output:
                lines.append(line)
                if on_line:
                    on_line(line.rstrip("\n"))
        code = child.popen.wait(COMMAND_SECONDS)
        if code != 0:
            raise Failed(
                f"`stowage {' '.join(words)}` ended with {code}", "", [*map(str.rstrip, lines), *self.log_tail()]
            )
        return "".join(lines)

    def answer(self, *words):
        """The parsed output of `stowage --json WORDS`."""
        return json.loads(self.command("--json", *words))

    def pids(self):
        """pid by process name; a worker is "worker"."""
        pids = {"supervisor": self.child.pid}
        for process in self.answer("status")["processes"]:
            if process.get("pid"):
                pids[process["process"]] = process["pid"]
        return pids

    def stop(self, patience=None):
        return self.child.stop(patience) if self.child else None
