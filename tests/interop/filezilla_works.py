"""FileZilla of Debian 12, the real program with its default settings, driven through its queue, or its windows where a
person has to look at them: the scenario, and explicit and implicit TLS without a warning about data connections that
were not resumed.

Taken out: close_notify behind downloads; resumption, in a lab that does without (every handshake is a full one). Each
makes the scenario fail; curl and lftp notice neither."""

import itertools
import os
import shutil

import filezilla
from client import Client, debian_version
from filezilla import ASK, EXPLICIT, IMPLICIT, RESUME, FileZilla
from filezilla_windows import FileZillaWindows
import scenario
from stowage_rig import run_tests, skip

class FileZillaQueue(Client):
    """Each step is a program of its own, with a queue that the test has made, or its windows."""

    name = "FileZilla"

    def __init__(self, protocol=EXPLICIT):
        self.protocol, self.homes = protocol, itertools.count()

    def version(self):
        return debian_version("filezilla")

    def home(self):
        return self.host.scratch / f"home-{next(self.homes)}"

    def queue(self, uploads=(), downloads=(), exists=ASK):
        host = self.host
        program = FileZilla(self.home())
        port = host.ports.ftps if self.protocol == EXPLICIT else host.ports.ftps_implicit
        server = program.add_server(port, host.user, host.password, self.protocol)
        for local, remote in uploads:
            program.add_upload(server, local, f"/{remote}", exists)
        for remote, local in downloads:
            program.add_download(server, f"/{remote}", local, exists)
        self.check(program.process(), program.successes() == len(uploads) + len(downloads))

    def windows(self, remote, local=None):
        return FileZillaWindows(self.home(), self.host, remote, local or self.host.scratch)

    @staticmethod
    def check(log, was_done=True):
        assert was_done, log
        assert "not resumed" not in log.lower(), f"FileZilla warns of a data connection:\n{log}"

    def upload_tree(self, local, remote):
        files = [path for path in sorted(local.rglob("*")) if path.is_file()]
        self.queue([(path, f"{remote}/{path.relative_to(local)}") for path in files])

    def download_tree(self, remote, local):
        local.mkdir()
        with self.windows(remote, local) as windows:
            windows.download_all()
            self.check(windows.log())

    def names(self, remote):
        """Those that it downloads when all that it shows is selected."""
        local = self.host.scratch / "shown"
        self.download_tree(remote, local)
        return os.listdir(local)

    def upload_with_time(self, local, remote):
        self.queue([(local, remote)])

    def download_with_time(self, remote, local):
        self.queue(downloads=[(remote, local)])

    def resume_upload(self, local, remote):
        self.queue([(local, remote)], exists=RESUME)

    def resume_download(self, remote, local):
        self.queue(downloads=[(remote, local)], exists=RESUME)

    def rename(self, old, new):
        folder, _, name = old.rpartition("/")
        with self.windows(folder) as windows:
            windows.rename(name, new.rpartition("/")[2])

    def delete_tree(self, remote):
        folder, _, name = remote.rpartition("/")
        with self.windows(folder) as windows:
            windows.delete(name)


class FileZillaWorks(scenario.Scenario):
    clients = (FileZillaQueue(),)

    def test_implicit(self):
        client = FileZillaQueue(IMPLICIT)
        client.start(self.host_for("implicit"))
        client.upload_tree(self.local / "Proben", "implicit")
        scenario.same_tree(self.local / "Proben", self.rig.labs / "lab1" / "implicit")


if __name__ == "__main__":
    missing = [program for program in filezilla.NEEDED if not shutil.which(program)]
    if missing:
        skip(f"not installed: {', '.join(missing)}")
    run_tests()
