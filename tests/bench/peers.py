"""vsftpd, ProFTPD and Pure-FTPd, set up alike: TLS demanded on both connections, the same certificate, users by the
same PAM stack and password file as stowage, chroot to the home directory, each transfer logged, no limits in the way.

Each runs in a mount namespace of its own, in which /etc/passwd, /etc/group and /etc/pam.d are ours.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import socket
import time

from accounting import Group
from tour.processes import Child

READY_SECONDS = 20


class Peer:
    name = executable = pam_service = ""
    processes_stay = False  # one for each session

    def __init__(self, site, packages, port, passive):
        self.site, self.packages, self.port = site, packages, port
        self.passive = passive
        self.folder = site.folder / "peers" / self.name
        self.home = self.folder / "home"
        self.folder_of_files = self.folder
        self.user, self.password, self.owner = site.user, site.password, site.peer_owner
        self.group = self.child = None

    def command(self):
        raise NotImplementedError

    def start(self):
        self.home.mkdir(parents=True)
        (self.folder / "empty").mkdir()
        os.chown(self.home, *self.owner)
        etc = self._write_etc()
        binds = [f"mount --bind {shlex.quote(str(etc / name))} /etc/{name}" for name in ("passwd", "group", "pam.d")]
        script = " && ".join([*binds, "exec " + shlex.join(self.command())])
        self.group = Group(self.name)
        with self.group.around(), open(self.folder / "output", "wb") as output:
            self.child = Child(
                self.name,
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                stdout=output,
                stderr=output,
                env=self.packages.environment(),
            )
        self._wait_until_it_listens()

    def _write_etc(self):
        etc = self.folder / "etc"
        (etc / "pam.d").mkdir(parents=True)
        (etc / "pam.d" / self.pam_service).write_text(
            f"auth required pam_pwdfile.so pwdfile={self.site.password_file} nodelay\n"
            "account required pam_permit.so\nsession required pam_permit.so\n",
            encoding="utf-8",
        )
        uid, gid = self.owner
        for name, line in (
            ("passwd", f"{self.user}:x:{uid}:{gid}::{self.home}:/bin/bash\n"),
            ("group", f"{self.user}:x:{gid}:\n"),
        ):
            (etc / name).write_text(
                pathlib.Path("/etc", name).read_text(encoding="utf-8") + line, encoding="utf-8"
            )
        return etc

    def _wait_until_it_listens(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.child.popen.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        words = (self.folder / "output").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{self.name} does not listen: {words[-2000:]}")

    def stop(self):
        if self.child:
            self.child.stop()
        if self.group:
            self.group.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _config(self, lines):
        path = self.folder / "config"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)


class Vsftpd(Peer):
    name, executable, pam_service = "vsftpd", "vsftpd", "vsftpd"

    def command(self):
        config = self._config(
            [
                "listen=YES",
                "listen_address=127.0.0.1",
                f"listen_port={self.port}",
                f"pasv_min_port={self.passive[0]}",
                f"pasv_max_port={self.passive[1]}",
                "background=NO",
                "anonymous_enable=NO",
                "local_enable=YES",
                "write_enable=YES",
                "local_umask=007",
                "chroot_local_user=YES",
                "allow_writeable_chroot=YES",
                f"secure_chroot_dir={self.folder}/empty",
                f"pam_service_name={self.pam_service}",
                "xferlog_enable=YES",
                f"vsftpd_log_file={self.folder}/log",
                "ssl_enable=YES",
                "force_local_logins_ssl=YES",
                "force_local_data_ssl=YES",
                "require_ssl_reuse=YES",
                "strict_ssl_read_eof=YES",
                f"rsa_cert_file={self.site.certificate}",
                f"rsa_private_key_file={self.site.private_key}",
                "max_clients=0",
                "max_per_ip=0",
            ]
        )
        return [self.packages.executable(self.executable), config]


class Proftpd(Peer):
    """Without PassivePorts: out of a range it takes ports that are in use, and says 425."""

    name, executable, pam_service = "ProFTPD", "proftpd", "proftpd"

    def command(self):
        modules = self.packages.root / "usr" / "lib" / "proftpd"
        config = self._config(
            [
                f"ModulePath {modules}",
                "LoadModule mod_tls.c",
                "ServerType standalone",
                "DefaultAddress 127.0.0.1",
                "UseIPv6 off",
                f"Port {self.port}",
                "User nobody",
                "Group nogroup",
                "DefaultRoot ~",
                "Umask 007",
                "AllowOverwrite on",
                "UseReverseDNS off",
                "MaxInstances none",
                "AuthOrder mod_auth_pam.c* mod_auth_unix.c",
                f"AuthPAMConfig {self.pam_service}",
                f"PidFile {self.folder}/pid",
                f"ScoreboardFile {self.folder}/scoreboard",
                f"TransferLog {self.folder}/log",
                f"SystemLog {self.folder}/system.log",
                "DelayEngine off",  # it makes logins slower on purpose
                f"DelayTable {self.folder}/delay",
                f"ControlsSocket {self.folder}/control.sock",
                "WtmpLog off",
                "TLSEngine on",
                "TLSRequired on",
                "TLSOptions NoSessionReuseRequired",  # a session resumes once, and an upload brings no other
                "TLSProtocol TLSv1.3",
                f"TLSECCertificateFile {self.site.certificate}",
                f"TLSECCertificateKeyFile {self.site.private_key}",
                f"TLSLog {self.folder}/tls.log",
            ]
        )
        return [self.packages.executable(self.executable), "--nodaemon", "--config", config]


class PureFtpd(Peer):
    """Without --passiveportrange, which is also a limit of clients: half of the range."""

    name, executable, pam_service = "Pure-FTPd", "pure-ftpd", "pure-ftpd"

    def command(self):
        both = self.folder / "both.pem"
        both.touch(mode=0o600)
        both.write_bytes(self.site.private_key.read_bytes() + self.site.certificate.read_bytes())
        return [
            self.packages.executable(self.executable),
            *("--bind", f"127.0.0.1,{self.port}"),
            *("--login", "pam"),
            *("--tls", "3"),
            *("--certfile", str(both)),
            *("--altlog", f"clf:{self.folder}/log"),
            *("--pidfile", f"{self.folder}/pid"),
            *("--maxclientsnumber", "20000"),
            *("--maxclientsperip", "20000"),
            *("--limitrecursion", "1000000:8"),
            *("--umask", "007:007"),
            "--noanonymous",
            "--chrooteveryone",
            "--dontresolve",
        ]


PEERS = (Vsftpd, Proftpd, PureFtpd)
