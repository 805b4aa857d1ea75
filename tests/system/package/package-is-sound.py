"""The .deb is one that Debian's own judge takes, and holds what the manual says, where Debian wants it."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import debian_package
from stowage_rig import SOURCE, need_root, run_tests

EXECUTABLES = ("supervisor", "controller", "front", "worker", "login", "root-step", "nfs-server")


class PackageIsSound(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.package = debian_package.make(cls.folder)
        cls.tree = cls.folder / "tree"
        debian_package.run("dpkg-deb", "--raw-extract", cls.package, cls.tree)

    def field(self, name):
        return debian_package.run("dpkg-deb", "--field", self.package, name).strip()

    def test_lintian_finds_no_error(self):
        if not shutil.which("lintian"):
            self.skipTest("lintian is not installed")
        words = ["lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", str(self.package)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_files_are_where_they_belong(self):
        for path in (
            "usr/bin/stowage",
            *(f"usr/libexec/stowage/stowage-{name}" for name in EXECUTABLES),
            "lib/systemd/system/stowage.service",
            "usr/lib/sysusers.d/stowage.conf",
            "usr/lib/tmpfiles.d/stowage.conf",
            "etc/pam.d/stowage",
            "etc/stowage/stowage.yaml",
            "usr/share/man/man1/stowage.1.gz",
            "usr/share/man/man5/stowage.yaml.5.gz",
            "usr/share/man/man8/stowage.8.gz",
            "usr/share/bash-completion/completions/stowage",
            "usr/share/stowage/acme-deploy-hook",
            "usr/share/doc/stowage/examples/cluster/ingress-nginx-values.yaml",
            "usr/share/doc/stowage/examples/site.example.yaml",
            *(f"usr/share/doc/stowage/{page.name}" for page in (SOURCE / "deploy" / "docs").glob("*.md")),
        ):
            self.assertTrue((self.tree / path).is_file(), path)
        self.assertFalse((self.tree / "mnt").exists(), "nothing lies where labs will be")

    def test_what_admins_change_is_kept_by_dpkg(self):
        listed = (self.tree / "DEBIAN" / "conffiles").read_text(encoding="ascii").split()
        found = [f"/{path.relative_to(self.tree)}" for path in (self.tree / "etc").rglob("*") if path.is_file()]
        self.assertEqual(sorted(listed), sorted(found))

    def test_depends_on_what_it_is_linked_with(self):
        for library in ("libc6", "libssl3", "libsystemd0", "libsqlite3-0", "libnfs13", "libpam0g", "libpam-pwdfile"):
            self.assertRegex(self.field("Depends"), rf"\b{library}\b")
        self.assertIn("nfs-kernel-server | nfs-ganesha-vfs", self.field("Recommends"))

    def test_pages_of_the_manual_are_read_without_a_warning(self):
        if not shutil.which("man"):
            self.skipTest("man is not installed")
        for page in (self.tree / "usr" / "share" / "man").rglob("*.gz"):
            words = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)]
            done = subprocess.run(words, capture_output=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin"})
            self.assertEqual((done.returncode, done.stderr.decode()), (0, ""), page)

    def test_no_executable_names_the_folder_of_the_build(self):
        for path in (self.tree / "usr").rglob("*"):
            if path.is_file():
                self.assertNotIn(str(SOURCE).encode(), path.read_bytes(), path)


if __name__ == "__main__":
    need_root()
    run_tests()
