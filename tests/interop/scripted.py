"""Clients that are a library: a short program in the client's language does one thing at a time, as told by lines on its
standard input, `verb TAB path TAB path`. The walk through trees is here, so that the programs stay short.

verbs: mkd DIR · put LOCAL REMOTE · get REMOTE LOCAL · time LOCAL REMOTE (MFMT with the local file's time) · when REMOTE
LOCAL (MDTM into the local file's time) · reput LOCAL REMOTE · reget REMOTE LOCAL · ren OLD NEW · del FILE · rmd DIR ·
ls DIR (prints `d NAME` or `f NAME`)
"""

import os

from client import Client, output_of


class Scripted(Client):
    command = ()  # starts the program, which is `program`
    program = ""
    suffix = ""

    def start(self, host):
        super().start(host)
        self.path = host.scratch / f"program{self.suffix}"
        self.path.write_text(self.program, encoding="utf-8")
        self.environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "FTPS_PORT": str(host.ports.ftps),
            "FTPS_USER": host.user,
            "FTPS_PASSWORD": host.password,
            "FTPS_CA": host.certificate,
            **self.more_environment(),
        }

    def more_environment(self):
        return {}

    def run(self, *lines):
        text = "".join("\t".join(str(word) for word in line) + "\n" for line in lines)
        done = output_of([*self.command, str(self.path)], env=self.environment, input=text.encode())
        return done.decode().split("\n")[:-1]

    def upload_tree(self, local, remote):
        lines = [("mkd", remote)]
        for path in sorted(local.rglob("*")):
            there = f"{remote}/{path.relative_to(local)}"
            lines.append(("mkd", there) if path.is_dir() else ("put", path, there))
        self.run(*lines)

    def entries(self, remote):
        return [line.split(" ", 1) for line in self.run(("ls", remote))]

    def walk(self, remote):
        """(kind, path), what is in a directory before the directory itself."""
        for kind, name in self.entries(remote):
            if kind == "d":
                yield from self.walk(f"{remote}/{name}")
            yield kind, f"{remote}/{name}"

    def download_tree(self, remote, local):
        lines = []
        for kind, path in self.walk(remote):
            here = local / os.path.relpath(path, remote)
            here.parent.mkdir(parents=True, exist_ok=True)
            if kind == "f":
                lines.append(("get", path, here))
        self.run(*lines)

    def names(self, remote):
        return [name for _, name in self.entries(remote)]

    def upload_with_time(self, local, remote):
        self.run(("put", local, remote), ("time", local, remote))

    def download_with_time(self, remote, local):
        self.run(("get", remote, local), ("when", remote, local))

    def resume_upload(self, local, remote):
        self.run(("reput", local, remote))

    def resume_download(self, remote, local):
        self.run(("reget", remote, local))

    def rename(self, old, new):
        self.run(("ren", old, new))

    def delete_tree(self, remote):
        verbs = {"d": "rmd", "f": "del"}
        self.run(*[(verbs[kind], path) for kind, path in self.walk(remote)], ("rmd", remote))
