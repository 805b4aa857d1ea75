"""What deploy/ has for admins beside the gateway is taken by those for whom it is written: nft, Kubernetes' own data
model, kubectl's command line."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import types
import unittest

from stowage_rig import SOURCE, run_tests, skip

try:
    import yaml
    from kubernetes import client
except ImportError as missing:
    skip(f"python3-yaml and python3-kubernetes are not installed: {missing}")

CLUSTER = SOURCE / "deploy" / "cluster"
_KUBECTL = """#!/bin/sh
printf '%s\\n' "$*" >>"$KUBECTL_CALLS"
"""


def documents(name):
    return list(yaml.safe_load_all((CLUSTER / name).read_text(encoding="utf-8")))


class DeployFilesAreRight(unittest.TestCase):
    def through_the_model(self, document):
        """Into Kubernetes' classes and back: what is lost on the way is no field, or of the wrong type."""
        api = client.ApiClient()
        answer = types.SimpleNamespace(data=json.dumps(document))
        model = api.deserialize(answer, f"V1{document['kind']}")
        self.assertEqual(api.sanitize_for_serialization(model), document)

    def test_persistent_volume(self):
        volume, claim, pod = documents("persistent-volume.yaml")
        for document in (volume, claim, pod):
            self.through_the_model(document)
        self.assertEqual(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain")
        self.assertEqual(volume["spec"]["claimRef"], {"namespace": "lab1", "name": "lab1-nfs"})
        self.assertEqual(claim["spec"]["volumeName"], volume["metadata"]["name"])
        self.assertEqual(pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"])

    def test_ingress_values(self):
        (values,) = documents("ingress-nginx-values.yaml")
        data = values["controller"]["config"]
        # The chart puts it into a ConfigMap as it is, and a ConfigMap holds strings only.
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}
        self.through_the_model(config_map)
        self.assertTrue(all(isinstance(value, str) for value in data.values()), data)
        numbers = {name: int(value) for name, value in data.items()}
        # Each controller's own two names say the same; nginx warns of more connections than files, and a proxied one
        # takes two.
        self.assertEqual(numbers["max-worker-connections"], numbers["worker-connections"])
        self.assertEqual(numbers["max-worker-open-files"], numbers["worker-rlimit-nofile"])
        self.assertGreaterEqual(numbers["worker-rlimit-nofile"], 2 * numbers["worker-connections"])
        # What a container may open by default (containerd: 1048576) is enough for all its processes.
        self.assertLessEqual(numbers["worker-processes"] * numbers["worker-rlimit-nofile"], 1048576)
        self.assertEqual(len(numbers), 5, "a name that no chart is known to read")

    def test_runaiconfig_patch(self):
        """RunaiConfig's schema is in no package: only that a merge would change one switch, and that a switch."""
        (patch,) = documents("runaiconfig-patch.yaml")
        path, value = [], patch
        while isinstance(value, dict):
            self.assertEqual(len(value), 1, value)
            ((name, value),) = value.items()
            path.append(name)
        self.assertEqual(path[0], "spec")
        self.assertIs(value, False, "a string would be true")

    def test_firewall(self):
        if not shutil.which("nft"):
            self.skipTest("nft is not installed")
        done = subprocess.run(
            ["unshare", "-n", "nft", "--check", "--file", str(CLUSTER / "stowage.nft")],
            capture_output=True,
            text=True,
            check=False,
        )
        if "Operation not supported" in done.stderr or "unable to initialize" in done.stderr.lower():
            self.skipTest("this kernel has no nftables")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_firewall_opens_the_configured_ports(self):
        keys = yaml.safe_load(
            "\n".join(
                line.replace("#", "", 1)
                for line in (SOURCE / "deploy/examples/stowage.yaml").read_text(encoding="utf-8").splitlines()
                if line.lstrip().startswith("#") and not line.lstrip().startswith("# ")
            )
        )
        ports = [keys["ftps"]["port"], keys["ftps"]["implicit_port"], keys["ftps"]["passive_ports"]]
        text = (CLUSTER / "stowage.nft").read_text(encoding="utf-8")
        self.assertIn("tcp dport { %s, %s, %s } jump ftps" % tuple(ports), text)
        self.assertIn(f"tcp dport {keys['nfs']['port']} ip saddr @nodes accept", text)

    def label_nodes(self, *words, text=None):
        """(exit code, standard error, the calls of kubectl)"""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "kubectl").write_text(_KUBECTL, encoding="ascii")
            (folder / "kubectl").chmod(0o755)
            if text is not None:
                (folder / "nodes").write_text(text, encoding="ascii")
                words = (*words, folder / "nodes")
            env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "KUBECTL_CALLS": f"{folder}/calls"}
            done = subprocess.run(
                [str(CLUSTER / "label-nodes"), *map(str, words)], capture_output=True, text=True, env=env, check=False
            )
            calls = folder / "calls"
            return done.returncode, done.stderr, calls.read_text().splitlines() if calls.exists() else []

    def test_node_labels(self):
        code, errors, calls = self.label_nodes("--dry-run")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(calls[0], "label node gpu-node-01 node-pool=a100 --overwrite --dry-run=server")
        self.assertEqual(len(calls), 3)

    def test_wrong_node_labels_change_nothing(self):
        for line in ("gpu-1", "gpu-1 a100", "gpu-1 k=v more", "Gpu k=v", "gpu-1 k=-v", "--all k=v", "g;x k=v"):
            code, errors, calls = self.label_nodes(text=f"gpu-0 k=v\n{line}\n")
            self.assertEqual((code, calls), (2, []), line)
            self.assertIn(":2: ", errors)
            self.assertIn("remedy: ", errors)


if __name__ == "__main__":
    run_tests()
