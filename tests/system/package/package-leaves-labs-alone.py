"""Asked of the real dpkg in a bare Debian: installing makes accounts and folders, an upgrade keeps what the admin
changed, removing keeps the state, purging takes configuration and state; a lab's files survive all of it."""

import pathlib
import re
import shutil
import tempfile
import unittest

import debian_package
from stowage_rig import SOURCE, need_root, run_tests

LAB_FILES = ("/mnt/nfs/lab1/data.bin", "/mnt/nfs/.stowage-root", "/var/lib/stowage/labs/lab2/data.bin")
CONFIGURATION = 'log_level: debug\nlabs:\n  quota_backend: none\n  root: "/srv/my labs"  # of the site\nnfs:\n  v3: false\n'
# As nfs/exports/exports_file.cpp has it.
FIRST_LINE = re.search(
    r'text = "# Lab " \+ meant\.lab \+ "(.*)\\n"', (SOURCE / "nfs/exports/exports_file.cpp").read_text(encoding="utf-8")
)
SECRETS = (".ftps.passwd.abc123", ".ftps.passwd.restored", ".file-hash.key.restored", "..file-hash.key.restored.abc123")
INDEX = "/var/lib/stowage/ganesha/exports.conf"


class PackageLeavesLabsAlone(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-packages-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in ("first", "second"):
            (cls.folder / name).mkdir()
        cls.first = debian_package.make(cls.folder / "first", revision="1")
        cls.second = debian_package.make(cls.folder / "second", revision="2")
        cls.debian = debian_package.BareDebian().__enter__()
        cls.addClassCleanup(lambda: cls.debian.__exit__())

    def has(self, *paths):
        return [self.debian.path(path).exists() for path in paths]

    def write_exports(self, lab, path, first_line=None, more=""):
        """The file that a gateway writes for a lab, or nearly so."""
        folder = self.debian.path("/etc/exports.d")
        folder.mkdir(exist_ok=True)
        first_line = first_line or f"# Lab {lab}{FIRST_LINE[1]}"
        (folder / f"stowage-{lab}.exports").write_text(f"{first_line}\n{path} 10.0.0.0/8(rw)\n{more}", encoding="ascii")

    def exports(self):
        return sorted(path.name for path in self.debian.path("/etc/exports.d").iterdir())

    def assert_labs_are_there(self):
        for path in LAB_FILES:
            self.assertEqual(self.debian.path(path).read_text(encoding="ascii"), path)

    def test_a_life(self):
        for step in (
            *(self.install, self.use, self.upgrade, self.remove, self.install_again, self.purge),
            self.purge_beside_exports_of_others,
            self.purge_without_knowing_what_was_served,
            self.purge_beside_an_nfs_ganesha_that_reads_our_file,
            self.purge_where_parts_are_mounts_of_their_own,
            self.come_and_go_where_somebody_has_the_labs_root_already,
            self.take_away_the_labs_root_that_it_made,
        ):
            with self.subTest(step.__name__):
                step()

    def install(self):
        self.debian.install(self.first)
        accounts = self.debian.run("getent passwd stowage stowage-front; getent group stowage-admin")
        self.assertEqual(len(accounts.splitlines()), 3, accounts)
        self.assertEqual(self.has("/mnt/nfs", "/var/lib/stowage"), [True, True])
        self.assertIn("enabled", self.debian.run("systemctl is-enabled stowage"))
        # Whoever has no NFS server is told, and nothing else is wrong.
        code, words = self.debian.run("unshare --net stowage check", check=False)  # this machine may have a gateway
        self.assertEqual(code, 78, words)
        problems = [line.split(":")[1].strip() for line in words.splitlines() if line.startswith("error")]
        self.assertEqual(problems, ["nfs.server"], words)
        self.assertIn("stowage 0.", self.debian.run("stowage version"))

    def use(self):
        """What the gateway and its admin leave behind."""
        for path in LAB_FILES:
            self.debian.path(path).parent.mkdir(parents=True, exist_ok=True)
            self.debian.path(path).write_text(path, encoding="ascii")
        self.debian.run(
            "cd /var/lib/stowage && mkdir -p controller tls ganesha /etc/exports.d"
            f" && touch controller/stowage.db tls/private-key.pem ftps.passwd {' '.join(SECRETS)} file-hash.key lock exports.lock"
            " && echo '/srv/my labs' >labs-root && echo other >/etc/exports.d/other.exports"
            " && echo secret >/etc/stowage/runai-secret && printf '%s' '"
            + CONFIGURATION
            + "' >/etc/stowage/stowage.yaml"
            " && echo '# of the site' >>/etc/pam.d/stowage"
        )
        for lab in ("lab1", "lab2"):
            self.write_exports(lab, rf"/srv/my\040labs/{lab}")
        self.write_exports("lab3", "/srv/others/lab3")

    def upgrade(self):
        self.debian.install(self.second)
        self.assertIn("0.1.0-2", self.debian.run("dpkg-query -W stowage"))
        self.assertEqual(self.debian.path("/etc/stowage/stowage.yaml").read_text(), CONFIGURATION)
        self.assertTrue(self.debian.path("/etc/pam.d/stowage").read_text().endswith("# of the site\n"))
        self.assert_labs_are_there()

    def remove(self):
        self.debian.run("apt-get -q -y remove stowage")
        self.assertEqual(self.has("/usr/bin/stowage", "/usr/libexec/stowage"), [False, False])
        self.assertTrue(all(self.has("/etc/stowage/stowage.yaml", "/var/lib/stowage/controller/stowage.db")))
        self.assertTrue(all(self.has("/etc/exports.d/stowage-lab1.exports")))
        self.assert_labs_are_there()

    def install_again(self):
        self.debian.install(self.second)
        self.assertEqual(self.debian.path("/etc/stowage/stowage.yaml").read_text(), CONFIGURATION)
        self.assertTrue(all(self.has("/var/lib/stowage/controller/stowage.db")))

    def purge(self):
        words = self.debian.run("apt-get -q -y purge stowage")
        exports = tuple(f"/etc/exports.d/stowage-lab{number}.exports" for number in (1, 2))
        gone = ("/etc/stowage", "/etc/pam.d/stowage", *exports, "/usr/share/stowage")
        self.assertEqual(self.has(*gone), [False] * len(gone))
        # labs.root was below state_dir, of all places: that stays, and is named.
        left = sorted(path.name for path in self.debian.path("/var/lib/stowage").iterdir())
        self.assertEqual(left, ["labs"])
        self.assertIn("/var/lib/stowage stays: what is in it now is not the gateway's", words)
        self.assertEqual(self.debian.path("/etc/exports.d/other.exports").read_text(), "other\n")
        # Of another gateway on this node, whose labs lie elsewhere.
        self.assertTrue(all(self.has("/etc/exports.d/stowage-lab3.exports")))
        self.assertIn("stowage-lab3.exports stays: nothing proves", words)
        self.assertIn("whose labs were in /srv/my labs", words)
        self.assert_labs_are_there()

    def purge_beside_exports_of_others(self):
        """Only what the gateway wrote itself, for a lab where it had its labs, is its own."""
        self.debian.install(self.second)
        shutil.rmtree(self.debian.path("/etc/exports.d"))
        self.debian.path("/var/lib/stowage/labs-root").write_text("/srv/labs\n", encoding="ascii")
        self.write_exports("mine", "/srv/labs/mine")
        others = {
            "default": "/mnt/nfs/default",
            "deeper": "/srv/labs/other-gateway/deeper",
            "named": "/srv/labs/otherwise",
            "beside": "/srv/labs-2/beside",
        }
        for lab, path in others.items():
            self.write_exports(lab, path)
        self.write_exports("home", '"/home/x y"')
        self.write_exports("words", "/srv/labs/words", first_line="# of the site")
        self.write_exports("more", "/srv/labs/more", more="/srv/of-the-site 10.0.0.0/8(ro)\n")
        folder = self.debian.path("/etc/exports.d")
        (folder / "stowage-empty.exports").touch()
        for name in (".stowage-mine.exports.abc123", ".stowage-default.exports.abc123"):
            (folder / name).touch()
        words = self.debian.run("apt-get -q -y purge stowage")
        stay = [f"stowage-{lab}.exports" for lab in (*others, "home", "words", "more", "empty")]
        stay.append(".stowage-default.exports.abc123")
        self.assertEqual(self.exports(), sorted(stay))
        for name in stay:
            self.assertIn(f"/etc/exports.d/{name} stays", words)
        self.assertEqual([path.name for path in self.debian.path("/var/lib/stowage").iterdir()], ["labs"])

    def purge_without_knowing_what_was_served(self):
        """A gateway that never started here, or has its state elsewhere: all exports may be another's."""
        self.debian.install(self.second)
        shutil.rmtree(self.debian.path("/etc/exports.d"))
        self.write_exports("lab1", "/mnt/nfs/lab1")
        words = self.debian.run("apt-get -q -y purge stowage")
        self.assertEqual(self.exports(), ["stowage-lab1.exports"])
        self.assertIn("/etc/exports.d/stowage-lab1.exports stays: nothing proves", words)
        shutil.rmtree(self.debian.path("/etc/exports.d"))

    def purge_beside_an_nfs_ganesha_that_reads_our_file(self):
        """It does not start without what its configuration includes."""
        index = self.debian.path(INDEX)
        self.debian.install(self.second)
        self.debian.run(
            "mkdir -p /etc/ganesha /var/lib/stowage/ganesha/exports.d && cd /var/lib/stowage/ganesha"
            " && echo '%include exports.d/lab1.conf' >exports.conf && echo 'EXPORT {}' >exports.d/lab1.conf"
            f" && echo '%include {INDEX}' >/etc/ganesha/ganesha.conf"
        )
        words = self.debian.run("apt-get -q -y purge stowage")
        self.assertIn(f"{INDEX} stays, empty", words)
        self.assertEqual(sorted(path.name for path in index.parent.iterdir()), ["exports.conf"])
        left = index.read_text(encoding="ascii").splitlines()
        self.assertTrue(left and all(line.startswith("#") for line in left), left)
        self.assert_labs_are_there()
        # The admin did as told.
        self.debian.run("rm /etc/ganesha/ganesha.conf")
        self.debian.install(self.second)
        self.assertNotIn(INDEX, self.debian.run("apt-get -q -y purge stowage"))
        self.assertFalse(index.parent.exists())

    def purge_where_parts_are_mounts_of_their_own(self):
        """They cannot be removed, only emptied: the rest goes, they are named, and dpkg is done with the package."""
        self.debian.install(self.second)
        words = self.debian.run(
            "cd /var/lib/stowage && mkdir -p controller tls/vault ganesha && mount -t tmpfs ssd controller"
            " && mount -t tmpfs vault tls/vault && mount --bind /etc/stowage /etc/stowage"
            " && touch controller/stowage.db tls/private-key.pem tls/vault/of-the-site ganesha/ganesha.conf"
            " && cd / && apt-get -q -y purge stowage"
            " && echo \"left: $(cd /var/lib/stowage && find controller tls ganesha* | sort | xargs)\" && ls -A /etc/stowage | sed 's/^/left: /'"
        )
        self.assertIn("left: controller tls tls/vault tls/vault/of-the-site\n", words)
        self.assertEqual(words.count("left: "), 1, words)
        for place in ("/var/lib/stowage/controller", "/var/lib/stowage/tls", "/etc/stowage"):
            self.assertRegex(words, f"stowage: {place} stays: .*(busy|different device).*unmount")
        code, words = self.debian.run("dpkg-query -W -f '${db:Status-Status}' stowage", check=False)
        self.assertTrue(code == 1 or words == "not-installed", words)
        self.debian.run("rm -r /var/lib/stowage/controller /var/lib/stowage/tls")

    def labs_root(self):
        """Owner and mode of the place where labs.root is at first."""
        return self.debian.run("stat -c '%u:%g %a' /mnt/nfs").strip()

    def come_and_go_where_somebody_has_the_labs_root_already(self):
        """/mnt/nfs is a common name: a mount of another server may be there, or labs that local users shall not list."""
        self.debian.run("rm -r /mnt/nfs && mkdir -m 0710 /mnt/nfs && chown 7:8 /mnt/nfs")
        for package in (self.first, self.second):
            self.debian.install(package)
            self.assertEqual(self.labs_root(), "7:8 710")
            self.debian.run("systemd-tmpfiles --create stowage.conf || true")  # as each boot does
            self.assertEqual(self.labs_root(), "7:8 710")
        self.debian.run("apt-get -q -y purge stowage")
        self.assertEqual(self.labs_root(), "7:8 710")

    def take_away_the_labs_root_that_it_made(self):
        self.debian.run("rmdir /mnt/nfs")
        self.debian.install(self.first)
        self.assertEqual(self.labs_root(), "0:0 755")
        self.debian.run("apt-get -q -y purge stowage")
        self.assertEqual(self.has("/mnt/nfs", "/var/lib/stowage/made-mnt-nfs"), [False, False])


if __name__ == "__main__":
    need_root()
    run_tests()
