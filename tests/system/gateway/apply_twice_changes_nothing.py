"""A second apply makes no write anywhere: no request that writes to Run:ai, no file touched, no step done."""

import json
import unittest

from stowage_rig import Rig, run_tests, write_site

LABS = [{"name": "lab1", "quota": "1GiB"}, {"name": "lab2", "quota": "512MiB", "inodes": "10K"}]
USERS = [{"name": "alice", "lab": "lab1"}]


def events(output):
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def modification_times(*folders):
    found = {}
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            status = path.lstat()
            found[str(path)] = (status.st_mtime_ns, status.st_ino, status.st_size)
    return found


class ApplyTwiceChangesNothing(unittest.TestCase):
    def test_it(self):
        with Rig() as rig:
            site = write_site(rig.folder / "site.yaml", LABS, USERS)
            code, output = rig.run("plan", str(site))
            self.assertEqual(code, 3, output)  # changes are pending
            code, output = rig.run("--json", "apply", str(site))
            self.assertEqual(code, 0, output)

            code, output = rig.run("plan", str(site))
            self.assertEqual(code, 0, output)
            writes = rig.stand_in_log()["writes"]
            folders = [rig.labs, rig.gateway.state_dir / "ganesha"]
            before = modification_times(*folders)
            password_file = (rig.gateway.state_dir / "ftps.passwd").read_bytes()

            code, output = rig.run("--json", "apply", str(site))
            self.assertEqual(code, 0, output)
            done = [
                event
                for event in events(output)
                if event.get("event") == "step"
                and event["state"] == "done"
                and event["step"] not in ("verify", "observe", "check")
            ]
            self.assertEqual(done, [])
            self.assertEqual(rig.stand_in_log()["writes"], writes)
            self.assertEqual(modification_times(*folders), before)
            self.assertEqual((rig.gateway.state_dir / "ftps.passwd").read_bytes(), password_file)

            code, output = rig.run("apply", str(site))
            self.assertEqual(code, 0, output)
            self.assertRegex(output.lower(), r"nothing|unchanged|no change")


if __name__ == "__main__":
    run_tests()
