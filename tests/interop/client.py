"""What a client of the scenario (scenario.py) has to be able to do, and what it is told about the server."""

import subprocess


class Client:
    """An adapter. Paths on the server are relative to the lab, without a slash in front."""

    name = ""
    lab = "lab1"  # lab2: the one with data_tls_resumption: optional
    unable = {}  # step: why the client cannot do it itself

    def start(self, host):
        """host: Host. Called once before the steps."""
        self.host = host

    def version(self):
        raise NotImplementedError

    def upload_tree(self, local, remote):
        """Into the directory `remote`, made by the client; times of files included if it can."""
        raise NotImplementedError

    def download_tree(self, remote, local):
        raise NotImplementedError

    def names(self, remote):
        """What the client lists in a directory, without directories' own entries."""
        raise NotImplementedError

    def upload_with_time(self, local, remote):
        raise NotImplementedError

    def download_with_time(self, remote, local):
        raise NotImplementedError

    def resume_upload(self, local, remote):
        """The server has the first half of the file."""
        raise NotImplementedError

    def resume_download(self, remote, local):
        raise NotImplementedError

    def rename(self, old, new):
        raise NotImplementedError

    def delete_tree(self, remote):
        raise NotImplementedError


class Host:
    """The server as an adapter sees it, and a folder to write to."""

    def __init__(self, rig, lab, user, password, scratch):
        self.ports, self.certificate = rig.ports, str(rig.gateway.certificate)
        self.lab, self.user, self.password = lab, user, password
        self.scratch = scratch
        scratch.mkdir(exist_ok=True)


def output_of(command, **options):
    """The command's standard output; it must succeed."""
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, **options)
    if done.returncode != 0:
        said = done.stderr if isinstance(done.stderr, str) else done.stderr.decode(errors="replace")
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {said[-2000:]}")
    return done.stdout


def debian_version(package):
    return output_of(["dpkg-query", "-W", "-f", "${Version}", package], text=True)
