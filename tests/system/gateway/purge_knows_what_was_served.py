"""A purge of the package has no configuration any more: each start of the gateway notes its labs.root, however it is
written in the file, as exports name it."""

import unittest
import unittest.mock

from stowage_rig import Rig, run_tests


class PurgeKnowsWhatWasServed(unittest.TestCase):
    def test_labs_root_is_noted_at_each_start(self):
        with Rig(labs="plain", start=False) as rig:
            gateway, note = rig.gateway, rig.gateway.state_dir / "labs-root"
            gateway.write_files()
            lines = gateway.config_path.read_text(encoding="utf-8").splitlines()
            others = "\n".join(line for line in lines if not line.startswith("labs.root"))
            self.assertEqual(len(others.splitlines()), len(lines) - 1)
            for written in ("labs.root: {}", '"labs.root": "{}"', "labs.root: {}/", "labs.root:\n  {}", "labs: {{root: {}}}"):
                gateway.config_path.write_text(f"{others}\n{written.format(rig.labs)}\n", encoding="utf-8")
                note.unlink(missing_ok=True)
                with unittest.mock.patch.object(gateway, "write_files"):
                    gateway.start()
                self.assertEqual(gateway.stop(), 0)
                self.assertEqual(note.read_text(encoding="utf-8"), f"{rig.labs}\n", written)
                self.assertEqual(note.stat().st_mode & 0o777, 0o644)


if __name__ == "__main__":
    run_tests()
