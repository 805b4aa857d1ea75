"""The stand-in for Run:ai: a small server that behaves as the control plane does, as far as stowage uses it."""

import json
import secrets
import subprocess
import urllib.request

from tour.journal import private
from tour.processes import Child
from tour.story import Failed

CLIENT_ID = "stowage"
CLUSTER = "runai-cluster"
CALL_SECONDS = 20


class StandIn:
    def __init__(self, folder, binaries, departments, port=0, journal=None, arguments=()):
        self.secret_path = folder / "runai-secret"
        with open(self.secret_path, "w", encoding="utf-8", opener=private) as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        command = [
            str(binaries / "runai_stand_in"),
            "--port",
            str(port),
            "--cluster",
            CLUSTER,
            "--client-id",
            CLIENT_ID,
            "--client-secret-file",
            str(self.secret_path),
            *arguments,
        ]
        for department in departments:
            command += ["--department", department]
        with open(folder / "runai_stand_in.log", "ab") as log:
            self.child = Child("runai_stand_in", command, journal=journal, stdout=subprocess.PIPE, stderr=log)
        with self.child.popen.stdout as words:
            self.url = words.readline().decode().strip()  # printed once it listens; it prints nothing more
        if not self.url:
            raise Failed(
                "the Run:ai stand-in did not start",
                "its log tells why",
                (folder / "runai_stand_in.log").read_text(encoding="utf-8").splitlines()[-10:],
            )

    def settings(self):
        """For the gateway's configuration."""
        return {
            "runai.url": self.url,
            "runai.cluster": CLUSTER,
            "runai.client_id": CLIENT_ID,
            "runai.client_secret_file": self.secret_path,
        }

    def call(self, method, path, body=None, token=None):
        """One request; the parsed JSON of the answer."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(
            self.url + path, method=method, headers=headers, data=None if body is None else json.dumps(body).encode()
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=CALL_SECONDS) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def data_sources(self):
        """All NFS data sources, asked for as any client of Run:ai would."""
        secret = self.secret_path.read_text(encoding="utf-8").strip()
        token = self.call(
            "POST", "/api/v1/token", {"grantType": "client_credentials", "clientId": CLIENT_ID, "clientSecret": secret}
        )["accessToken"]
        return self.call("GET", "/api/v1/asset/datasource/nfs", token=token)["entries"]

    def data_source(self, name):
        """The one of this name; Failed unless there is exactly one."""
        found = [entry for entry in self.data_sources() if entry["meta"]["name"] == name]
        if len(found) != 1:
            raise Failed(f"Run:ai has {len(found)} data sources named {name}, not one")
        return found[0]

    def stop(self):
        return self.child.stop()
