"""Makes two packages of this build, one a newer revision, for the tests in the VM: packages/first.deb, second.deb."""

import pathlib
import shutil
import tempfile

import debian_package

target = debian_package.BUILD / "packages"
target.mkdir(exist_ok=True)
for revision, name in (("1", "first"), ("2", "second")):
    with tempfile.TemporaryDirectory(prefix="stowage-package-") as folder:
        shutil.move(debian_package.make(pathlib.Path(folder), revision=revision), target / f"{name}.deb")
