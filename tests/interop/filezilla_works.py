"""FileZilla of Debian 12, the real program with its default settings, driven through its queue: the scenario, and
explicit and implicit TLS without a warning about data connections that were not resumed."""

import itertools
import shutil

import filezilla
from client import Client, debian_version
from filezilla import ASK, EXPLICIT, IMPLICIT, RESUME, FileZilla
import scenario
from stowage_rig import run_tests, skip

_BY_HAND = "not tried: done in its windows, which the test does not click through"
_DOWN = "not tried: the test fills its queue with uploads only"


class FileZillaQueue(Client):
    """Each step is a queue of its own, processed by a program of its own."""

    name = "FileZilla"
    unable = {
        "list": _BY_HAND,
        "tree down": _DOWN,
        "time kept down": _DOWN,
        "resume down": _DOWN,
        "rename": _BY_HAND,
        "delete": _BY_HAND,
    }

    def __init__(self, protocol=EXPLICIT):
        self.protocol, self.homes = protocol, itertools.count()

    def version(self):
        return debian_version("filezilla")

    def queue(self, uploads, exists=ASK):
        host = self.host
        program = FileZilla(host.scratch / f"home-{next(self.homes)}")
        port = host.ports.ftps if self.protocol == EXPLICIT else host.ports.ftps_implicit
        server = program.add_server(port, host.user, host.password, self.protocol)
        for local, remote in uploads:
            program.add_upload(server, local, f"/{remote}", exists)
        log = program.process()
        assert program.successes() == len(uploads), log
        assert "not resumed" not in log.lower(), f"FileZilla warns of a data connection:\n{log}"
        return log

    def upload_tree(self, local, remote):
        files = [path for path in sorted(local.rglob("*")) if path.is_file()]
        self.queue([(path, f"{remote}/{path.relative_to(local)}") for path in files])

    def upload_with_time(self, local, remote):
        self.queue([(local, remote)])

    def resume_upload(self, local, remote):
        self.queue([(local, remote)], exists=RESUME)


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
