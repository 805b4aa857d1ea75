"""The steps of the tour, in their order, and the way back."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

from tour import (
    build,
    dataset,
    facts,
    interrupts,
    journal,
    labs_root,
    machine,
    nfs_reader,
    processes,
    state_folder,
    upload,
)
from tour.gateway import SOURCE, Gateway
from tour.stand_in import StandIn
from tour.story import Failed

LAB, USER, FOLDER = "lab1", "alice", "first-dataset"
WELL_KNOWN_PORTS = {"ftps.port": 21, "ftps.implicit_port": 990, "nfs.port": 2049}
STEP_LINE = re.compile(rf"(done|failed|retry|unchanged) +{LAB} ")
NAMES_IN_STATE = (
    "state run pam.d stowage.yaml gateway.log labs.img dataset lftp-home runai-secret runai_stand_in.log "
    "connection.json connection.new"
).split()


class Tour:
    """One run. What one step makes and a later one needs is an attribute."""

    def __init__(self, chosen, story, packages_seconds=0):
        self.options, self.story, self.packages_seconds = chosen, story, packages_seconds
        self.patience = journal.Patience()
        self.folder = state_folder.StateFolder(chosen.state, self.patience, story)
        self.gateway = self.stand_in = self.labs = self.ports = self.effective = None
        self.password = self.lab = self.digests = self.source = None

    @property
    def journal(self):
        return self.folder.journal

    def take(self):
        """All steps. Raises Failed or Interrupted."""
        with interrupts.postponed():
            self.folder.claim()
        self.install_packages()
        with self.story.step("build") as step:
            build.build(self.journal, step)
            step.say(f"Release, in {build.BINARIES}")
        self.start_gateway()
        self.make_lab()
        self.move_data()
        self.check_registration()
        self.show()

    # --- the machine -------------------------------------------------------------------------------------------

    def install_packages(self):
        with self.story.step("packages", before=self.packages_seconds) as step:
            # An interrupted apt-get leaves half-installed packages: it is let finish, however we end.
            child = processes.Child(
                "install-packages",
                [str(SOURCE / "deploy" / "install-packages"), "build", "run"],
                journal=self.journal,
                grace_seconds=900,
                last_signal=signal.SIGTERM,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            words = child.popen.communicate()[1]
            if child.popen.returncode != 0:
                raise Failed("packages could not be installed", "", words.splitlines()[-20:])
            step.say("all installed")

    def start_gateway(self):
        folder = self.options.state
        for name in NAMES_IN_STATE:
            self.journal.record("tree", path=str(folder / name))
        with self.story.step("place for the labs") as step:
            self.labs = labs_root.prepare(self.options, self.journal, step)
        self.gateway = Gateway(folder, build.BINARIES, self.journal)
        self.ports = machine.PortBlock() if self.options.ports_auto else None  # reserved for as long as we live
        self.start_stand_in()
        with self.story.step("gateway") as step:
            self.configure()
            try:
                self.gateway.start(self.options.settings)
            except Failed as problem:
                if not self.options.ports_auto and any("in use" in line for line in problem.details):
                    problem.remedy = "stop what uses the port, or take free ones with --ports auto"
                raise
            self.settle_settings()
            step.say(
                f"ready; FTPS on {self.effective['ftps.port']} and {self.effective['ftps.implicit_port']}, "
                f"NFS on {self.effective['nfs.port']}"
            )
            step.note(f"its log: {self.gateway.log_path}")

    def start_stand_in(self):
        with self.story.step("Run:ai stand-in") as step:
            self.stand_in = StandIn(
                self.options.state, build.BINARIES, [LAB], self.ports.runai if self.ports else 0, self.journal
            )
            step.say(f"{self.stand_in.url}, department {LAB}")

    def configure(self):
        settings = self.gateway.settings
        settings |= {
            "labs.root": self.labs.path,
            "nfs.address": machine.own_address(),
            "labs.default_clients": ",".join(["127.0.0.0/8", *machine.own_networks()]),
        }
        settings |= self.labs.settings | self.stand_in.settings()
        if self.ports:
            self.gateway.use_ports(self.ports)
        self.remember_kernel_export(settings)

    def remember_kernel_export(self, settings):
        """Should the gateway choose the kernel's server, this would be its file; one that is there is not ours."""
        export = pathlib.Path(f"/etc/exports.d/stowage-{LAB}.exports")
        if settings.get("nfs.server") != "ganesha" and os.path.exists("/proc/fs/nfsd/threads") and not export.exists():
            self.journal.record("kernel_export", path=str(export))

    def settle_settings(self):
        """What holds now, --set included."""
        overrides = dict(setting.split("=", 1) for setting in self.options.settings)
        self.effective = {**WELL_KNOWN_PORTS, "nfs.check_address": "127.0.0.1", **self.gateway.settings, **overrides}

    # --- the lab -----------------------------------------------------------------------------------------------

    def make_lab(self):
        directory = self.labs.path / LAB
        if not self.labs.is_ours and not directory.exists():
            self.journal.record("lab_directory", path=str(directory))
        mark = self.labs.path / ".stowage-root"
        if not self.labs.is_ours and not mark.exists():
            self.journal.record("tree", path=str(mark))
        with self.story.step(f"lab {LAB}") as step:
            self.gateway.command("lab", "create", LAB, "--quota", self.options.quota, on_line=step_lines(step))
            self.lab = self.gateway.answer("lab", "show", LAB)
            if self.lab["state"] != "ready":
                raise Failed(f"{LAB} is {self.lab['state']}: {self.lab.get('why', '')}", "", self.gateway.log_tail())
            step.say(
                f"ready: {self.lab['directory']}, quota {self.options.quota} ({self.lab['quota_backend']}), "
                f"mounted and checked over NFS ({self.nfs_server()})"
            )
            if self.lab["quota_backend"] == "none":
                step.note("NO FILESYSTEM QUOTA: backend none counts what comes over FTPS, not what pods write")
        with self.story.step(f"user {USER}") as step:
            self.password = self.gateway.answer("user", "add", USER, "--lab", LAB)["password"]
            step.say("with a generated password")

    def nfs_server(self):
        return self.gateway.answer("status")["nfs"]["server"]

    def share(self, below=""):
        export = self.lab["export"]
        return nfs_reader.url(self.effective["nfs.check_address"], export["port"], export["path"] + below)

    def move_data(self):
        folder = self.options.state / "dataset"
        with self.story.step("dataset") as step:
            self.digests = dataset.make(folder)
            size = dataset.size_of(folder)
            step.say(f"{len(self.digests)} files, {size / 2**20:.1f} MiB, odd names among them")
        with self.story.step("upload over FTPS") as step:
            script = upload.script(
                self.gateway.certificate,
                "127.0.0.1",
                self.effective["ftps.port"],
                USER,
                self.password,
                [f"mirror -R --parallel=2 {upload.quoted(folder)} {FOLDER}"],
            )
            upload.run(script, self.options.state / "lftp-home", self.journal)
            step.say(f"lftp mirror -R, certificate verified, {size / 2**20 / max(step.seconds(), 0.01):.1f} MiB/s")
        with self.story.step("read back over NFS") as step:
            self.compare()
            step.say(f"{len(self.digests)} files: same bytes, owner {self.lab['uid']}:{self.lab['gid']}")

    def compare(self):
        found = nfs_reader.read_tree(build.BINARIES, self.share(f"/{FOLDER}"))
        owner = (self.lab["uid"], self.lab["gid"])
        wrong = [f"{name}: not expected" for name in found.keys() - self.digests.keys()]
        for name, digest in self.digests.items():
            file = found.get(name)
            if file is None:
                wrong.append(f"{name}: missing")
            elif file.sha256 != digest:
                wrong.append(f"{name}: other bytes")
            elif (file.uid, file.gid) != owner:
                wrong.append(f"{name}: owner {file.uid}:{file.gid}, not {owner[0]}:{owner[1]}")
        if wrong:
            raise Failed("what came over NFS is not what went over FTPS", "", wrong)

    def check_registration(self):
        with self.story.step("Run:ai data source") as step:
            self.source = self.stand_in.data_source(f"{LAB}-nfs")
            known = self.gateway.answer("lab", "show", LAB)["data_source"]
            spec = self.source["spec"]
            for ours, theirs in (("server", "server"), ("path", "path"), ("mount_path", "mountPath")):
                if known[ours] != spec[theirs]:
                    raise Failed(f"the data source's {theirs} is {spec[theirs]!r}, stowage says {known[ours]!r}")
            step.say(f"{self.source['meta']['name']} read back: {spec['server']}:{spec['path']} -> {spec['mountPath']}")

    # --- what came out -----------------------------------------------------------------------------------------

    def show(self):
        connection = {
            "host": "127.0.0.1",
            "ftps_port": int(self.effective["ftps.port"]),
            "ftps_implicit_port": int(self.effective["ftps.implicit_port"]),
            "user": USER,
            "password": self.password,
            "lab": LAB,
            "lab_directory": self.lab["directory"],
            "nfs_url": self.share(),
            "nfs_port": self.lab["export"]["port"],
            "runai_url": self.stand_in.url,
            "control_socket": str(self.gateway.control_socket),
            "certificate": str(self.gateway.published_certificate),
            "pids": {**self.gateway.pids(), "runai_stand_in": self.stand_in.child.pid},
        }
        facts.write_connection(self.options.state / "connection.json", connection)
        self.story.line()
        rows = facts.box_rows(connection, self.source, self.lab["clients"], build.BINARIES / "stowage")
        if self.options.once:
            rows = facts.without_password(rows)
        self.story.box("stowage is ready", rows)

    def stay(self):
        self.story.line("Ctrl-C ends it and removes all that it made.")
        children = [self.gateway.child, self.stand_in.child]
        ended = processes.wait_for_any(children)
        raise Failed(
            f"{ended.name} ended by itself with exit code {ended.popen.returncode}", "", self.gateway.log_tail()
        )

    # --- the way back ------------------------------------------------------------------------------------------

    def leave(self):
        """Undoes everything; returns what could not be undone."""
        interrupts.hurry_with(self.patience)
        if self.journal is None:
            return []
        with self.story.step("cleaning up") as step:
            self.delete_lab()
            problems = self.folder.give_back()
            step.say("something is left" if problems else "nothing is left")
            return problems

    def delete_lab(self):
        """On a filesystem that stays, and with the kernel's exports, the gateway itself takes the lab back."""
        if self.gateway is None or self.gateway.child is None or not self.gateway.child.alive():
            return
        with contextlib.suppress(Failed, OSError):
            if self.labs.is_ours and self.nfs_server() == "ganesha":
                return  # the whole filesystem goes, and the server with its exports
            self.gateway.command("lab", "delete", LAB, "--purge-data", "--confirm", LAB)


def step_lines(step):
    """Of what `stowage lab create` prints, the steps."""

    def note(line):
        if STEP_LINE.match(line):
            step.note(line)

    return note
