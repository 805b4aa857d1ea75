"""Two builds, in two folders and at two times, make packages of one hash."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import debian_package
from stowage_rig import SOURCE, need_root, run_tests


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class PackageIsReproducible(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-reproduced-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def make(self, name, build=debian_package.BUILD):
        target = self.folder / name
        target.mkdir()
        return debian_package.make(target, build)

    def explain(self, one, other):
        """Which files differ, for whoever has to find out why."""
        for package, name in ((one, "one"), (other, "other")):
            debian_package.run("dpkg-deb", "--raw-extract", package, self.folder / f"{name}.tree")
        words = ["diff", "-rq", "--no-dereference", "one.tree", "other.tree"]
        return subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False).stdout

    def test_made_again_of_the_same_build(self):
        one = self.make("one")
        self.assertEqual(hash_of(one), hash_of(self.make("other")), "the moment is in it")

    def test_made_of_another_build_elsewhere(self):
        source = self.folder / "a much longer path than the first".replace(" ", "-")
        without = shutil.ignore_patterns("build", ".git", "__pycache__")
        shutil.copytree(SOURCE, source, symlinks=True, ignore=without)
        env = {**os.environ, "CCACHE_BASEDIR": str(source), "CCACHE_NOHASHDIR": "1"}
        debian_package.run("cmake", "-S", source, "--preset", "release", "-DSTOWAGE_TESTS=OFF", cwd=source, env=env)
        build = source / "build" / "release"
        header = "gateway/base/CMakeFiles/stowage_asio.dir/cmake_pch.hxx.gch.sum"
        if (debian_package.BUILD / header).exists():  # what tells ccache that both precompiled headers are one
            shutil.copy(debian_package.BUILD / header, build / header)
        began = time.monotonic()
        debian_package.run("nice", "ninja", "-C", build, "-j2", env=env)
        print(f"built again in {time.monotonic() - began:.0f} s")
        one, other = self.make("one"), self.make("other", build)
        if hash_of(one) != hash_of(other):
            self.fail(self.explain(one, other))


if __name__ == "__main__":
    need_root()
    run_tests()
