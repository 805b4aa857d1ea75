"""Python's ftplib: as it is, in a lab with `data_tls_resumption: optional`, and with the members' guide's few lines that
resume TLS sessions, in any lab. Only the standard library, and nothing of the tests' own FTPS client."""

import calendar
import contextlib
import ftplib
import os
import platform
import ssl
import time

from client import Client
import scenario
from stowage_rig import run_tests


class ResumingFTP(ftplib.FTP_TLS):
    """As in deploy/docs/member-guide.md."""

    def ntransfercmd(self, cmd, rest=None):
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        return connection, size


class Ftplib(Client):
    def __init__(self, name, lab, program):
        self.name, self.lab, self.program = name, lab, program

    def version(self):
        return f"Python {platform.python_version()}"

    @contextlib.contextmanager
    def session(self):
        context = ssl.create_default_context(cafile=self.host.certificate)
        with self.program(context=context, timeout=60) as ftp:
            ftp.connect("127.0.0.1", self.host.ports.ftps)
            ftp.login(self.host.user, self.host.password)
            ftp.prot_p()
            yield ftp

    def upload_tree(self, local, remote):
        with self.session() as ftp:
            ftp.mkd(remote)
            for path in sorted(local.rglob("*")):
                there = f"{remote}/{path.relative_to(local)}"
                if path.is_dir():
                    ftp.mkd(there)
                else:
                    with open(path, "rb") as file:
                        ftp.storbinary(f"STOR {there}", file)

    def download_tree(self, remote, local):
        with self.session() as ftp:
            self._fetch(ftp, remote, local)

    def _fetch(self, ftp, remote, local):
        local.mkdir()
        for name, facts in list(ftp.mlsd(remote)):
            if facts["type"] == "dir":
                self._fetch(ftp, f"{remote}/{name}", local / name)
            elif facts["type"] == "file":
                with open(local / name, "wb") as file:
                    ftp.retrbinary(f"RETR {remote}/{name}", file.write)

    def names(self, remote):
        with self.session() as ftp:
            return [name for name, facts in ftp.mlsd(remote) if facts["type"] == "file"]

    def upload_with_time(self, local, remote):
        with self.session() as ftp, open(local, "rb") as file:
            ftp.storbinary(f"STOR {remote}", file)
            moment = time.strftime("%Y%m%d%H%M%S", time.gmtime(local.stat().st_mtime))
            ftp.voidcmd(f"MFMT {moment} {remote}")

    def download_with_time(self, remote, local):
        with self.session() as ftp:
            with open(local, "wb") as file:
                ftp.retrbinary(f"RETR {remote}", file.write)
            moment = ftp.voidcmd(f"MDTM {remote}").split()[1]
        seconds = calendar.timegm(time.strptime(moment[:14], "%Y%m%d%H%M%S"))
        os.utime(local, (seconds, seconds))

    def resume_upload(self, local, remote):
        with self.session() as ftp, open(local, "rb") as file:
            ftp.voidcmd("TYPE I")
            there = ftp.size(remote)
            file.seek(there)
            ftp.storbinary(f"STOR {remote}", file, rest=there)

    def resume_download(self, remote, local):
        with self.session() as ftp, open(local, "ab") as file:
            ftp.retrbinary(f"RETR {remote}", file.write, rest=file.tell())

    def rename(self, old, new):
        with self.session() as ftp:
            ftp.rename(old, new)

    def delete_tree(self, remote):
        with self.session() as ftp:
            self._delete(ftp, remote)

    def _delete(self, ftp, remote):
        for name, facts in list(ftp.mlsd(remote)):
            if facts["type"] == "dir":
                self._delete(ftp, f"{remote}/{name}")
            elif facts["type"] == "file":
                ftp.delete(f"{remote}/{name}")
        ftp.rmd(remote)


class PythonWorks(scenario.Scenario):
    optional_lab = True
    clients = (
        Ftplib("Python ftplib, resumption optional", "lab2", ftplib.FTP_TLS),
        Ftplib("Python ftplib, resuming", "lab1", ResumingFTP),
    )

    def test_as_it_is_it_is_told_what_to_do(self):
        """In a lab that requires resumption: refused with words, and no file."""
        client = Ftplib("stock", "lab1", ftplib.FTP_TLS)
        client.start(self.host_for("stock"))
        with self.assertRaisesRegex(ftplib.Error, "^522 .*resum"), client.session() as ftp:
            with open("/etc/os-release", "rb") as file:
                ftp.storbinary("STOR refused", file)
        self.assertFalse((self.rig.labs / "lab1" / "refused").exists())


if __name__ == "__main__":
    run_tests()
