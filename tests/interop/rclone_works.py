"""rclone of Debian 12: the scenario."""

import os
import shutil

from client import Client, debian_version, output_of
import scenario
from stowage_rig import run_tests, skip


class Rclone(Client):
    """The settings come by the environment, as in a pod; the encoding keeps names as they are (members' guide)."""

    name = "rclone"
    unable = {
        "resume up": "rclone has no partial uploads over FTP: it sends such a file again",
        "resume down": "rclone has no partial downloads: it fetches such a file again",
    }

    def version(self):
        return debian_version("rclone")

    def start(self, host):
        super().start(host)
        hidden = output_of(["rclone", "obscure", "-"], input=host.password, text=True).strip()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(host.scratch),
            "LANG": "C.UTF-8",
            "RCLONE_CONFIG": "",  # no file
            "RCLONE_CONFIG_LAB_TYPE": "ftp",
            "RCLONE_CONFIG_LAB_HOST": "127.0.0.1",
            "RCLONE_CONFIG_LAB_PORT": str(host.ports.ftps),
            "RCLONE_CONFIG_LAB_USER": host.user,
            "RCLONE_CONFIG_LAB_PASS": hidden,
            "RCLONE_CONFIG_LAB_EXPLICIT_TLS": "true",
            "RCLONE_CONFIG_LAB_ENCODING": "Slash",
            "SSL_CERT_FILE": host.certificate,  # rclone 1.60 does not heed --ca-cert for FTP
            "RCLONE_RETRIES": "1",
            "RCLONE_LOW_LEVEL_RETRIES": "1",
        }

    def run(self, *words):
        return output_of(["rclone", *words], env=self.environment, text=True)

    def upload_tree(self, local, remote):
        self.run("copy", str(local), f"lab:{remote}")

    def download_tree(self, remote, local):
        self.run("copy", f"lab:{remote}", str(local))

    def names(self, remote):
        return self.run("lsf", f"lab:{remote}").splitlines()

    def upload_with_time(self, local, remote):
        self.run("copyto", str(local), f"lab:{remote}")

    def download_with_time(self, remote, local):
        self.run("copyto", f"lab:{remote}", str(local))

    def rename(self, old, new):
        self.run("moveto", f"lab:{old}", f"lab:{new}")

    def delete_tree(self, remote):
        self.run("purge", f"lab:{remote}")


class RcloneWorks(scenario.Scenario):
    clients = (Rclone(),)

    def test_a_second_sync_transfers_nothing(self):
        """Sizes and times are told exactly, so nothing looks changed."""
        client = self.clients[0]
        client.start(self.host_for("sync"))
        client.upload_tree(self.local, "sync")
        client.run("copy", "--immutable", str(self.local), "lab:sync")
        client.run("check", "--size-only", str(self.local), "lab:sync")


if __name__ == "__main__":
    if not shutil.which("rclone"):
        skip("rclone is not installed")
    run_tests()
