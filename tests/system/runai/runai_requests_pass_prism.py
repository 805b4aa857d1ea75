# Promise: what the client sends and what the stand-in answers keeps Run:ai's official OpenAPI files, 2.20 and 2.24,
# with Prism as the judge; and the stand-in refuses every request that Prism refuses.
# Needs npm (or a cached installation of Prism) and ../shared/runai; skipped with the reason where they are missing.
import copy
import http.client
import json
import os
import subprocess
import tempfile

from prism import Prism, document_for, executable, free_port
from tour.processes import Child

BIN = os.environ["STOWAGE_BIN"]
SECRET = "exercise-secret"
UUID = "a418ed33-9399-48c0-a890-122cadd13bfd"


class Server:
    def __init__(self, port):
        self.port = port
        self.token = None

    def call(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = dict(headers or {})
        if self.token and "authorization" not in sent:
            sent["authorization"] = "Bearer " + self.token
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        connection.request(method, target, data, sent)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        connection.close()
        return response.status, text


def mutations(value):
    """Every way in which one field is missing, of another type, empty, too long or unknown."""
    if isinstance(value, dict):
        for key in value:
            without = copy.deepcopy(value)
            del without[key]
            yield without
            for other in mutations(value[key]):
                changed = copy.deepcopy(value)
                changed[key] = other
                yield changed
        yield {**value, "unknown-field": 1}
    for other in (None, 7, 1.5, -3000000000, True, "", "x" * 251, [], {}, ["a"], "a b"):
        if type(other) is not type(value) or other != value:
            yield other


def nfs_bodies():
    meta = {"name": "probe", "scope": "department", "departmentId": "100001", "description": "d",
            "clusterId": UUID, "projectId": 5, "autoDelete": False,
            "workloadSupportedTypes": {"inference": True, "distFramework": "MPI"}}
    spec = {"server": "nas", "path": "/p", "mountPath": "/m", "readOnly": False}
    return {"meta": meta, "spec": spec}, {"meta": {"name": "probe", "description": "d"}, "spec": spec}


def site_bodies():
    """A good body of every other creation, by path."""
    resources = [{"nodePool": {"id": "110001", "name": "default"}, "gpu": {"deserved": 1, "limit": 1}}]
    unit = {"name": "probe", "clusterId": UUID, "resources": resources, "defaultNodePools": ["default"],
            "description": "d", "schedulingRules": {"trainingJobTimeLimitSeconds": 60}}
    yield "/api/v1/node-pools", {"name": "probe", "labelKey": "k", "labelValue": "v", "clusterId": UUID,
                                 "overProvisioningRatio": 1, "placementStrategy": {"cpu": "binpack", "gpu": "spread"}}
    yield "/api/v1/org-unit/departments", unit
    yield "/api/v1/org-unit/projects", {**unit, "parentId": "100001", "requestedNamespace": "x"}
    yield "/api/v1/users", {"email": "a@example.org", "resetPassword": False}
    yield "/api/v1/authorization/access-rules", {"subjectId": "a@example.org", "subjectType": "user", "roleId": 4,
                                                 "scopeId": "100001", "scopeType": "department"}
    yield "/api/v1/asset/compute", {"meta": {"name": "probe", "scope": "tenant"},
                                    "spec": {"gpuDevicesRequest": 1, "gpuRequestType": "portion",
                                             "gpuPortionRequest": 0.5, "largeShmRequest": True}}


def hostile_requests(asset):
    for path, good in site_bodies():
        for body in mutations(good):
            yield "POST", path, body
    for path in ("/api/v1/node-pools", "/api/v1/org-unit/projects", "/api/v1/authorization/access-rules",
                 "/api/v1/users"):
        for query in ("limit=0", "limit=501", "limit=x", "offset=x", "filterBy=name", "filterBy=colour==1",
                      "sortOrder=up", "sortBy=colour"):
            yield "GET", f"{path}?{query}", None
    create, update = nfs_bodies()
    token = {"grantType": "client_credentials", "clientID": "stowage", "clientSecret": SECRET}
    nfs = "/api/v1/asset/datasource/nfs"
    for body in mutations(create):
        yield "POST", nfs, body
    for body in mutations(update):
        yield "PUT", f"{nfs}/{asset}", body
    for body in mutations(token):
        yield "POST", "/api/v1/token", body
    for method in ("GET", "PUT", "DELETE"):
        for identifier in ("x", UUID[:-1], UUID + "0", "%20"):
            yield method, f"{nfs}/{identifier}", update if method == "PUT" else None
    for query in ("usageInfo=yes", "projectId=x", "projectId=1.5", "clusterId=x", "assetIds=x", f"assetIds={UUID},x",
                  "projectId=", "usageInfo="):
        yield "GET", f"{nfs}?{query}", None
        yield "GET", f"{nfs}/{asset}?{query}", None
    for query in ("limit=0", "limit=501", "limit=x", "offset=x", "filterBy=name", "filterBy=name=a", "filterBy=id==5",
                  "filterBy=name==a,x", "sortBy=colour", "sortOrder=up", "verbosity=loud", "filterBy="):
        yield "GET", "/api/v1/org-unit/departments?" + query, None
    yield "GET", "/api/v1/clusters?verbosity=loud", None


def refused_by_prism(status, text):
    # Not errors#VIOLATIONS, which is about the upstream's answer.
    return status == 422 and "prism/errors#UNPROCESSABLE_ENTITY" in text


def judge_client(proxy):
    result = subprocess.run([os.path.join(BIN, "..", "tests", "runai_exercise"), proxy.url],
                            env={**os.environ, "RUNAI_SECRET": SECRET}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, timeout=120)
    print(result.stdout)
    if result.returncode != 0 or proxy.complaints():
        raise SystemExit("FAILED: the client's calls through Prism\n" + proxy.log()[-4000:])


def prove_that_prism_judges(prism, stand_in):
    """A wrong answer and a wrong request must not pass, or else nothing of the rest means anything."""
    stand_in.call("POST", "/_stand_in/faults", {"operation": "get_clusters", "kind": "strange"})
    status, text = prism.call("GET", "/api/v1/clusters")
    if status < 400 or "prism/errors#VIOLATIONS" not in text:
        raise SystemExit(f"FAILED: Prism lets a wrong answer pass: {status} {text}")
    status, text = prism.call("POST", "/api/v1/asset/datasource/nfs", {"meta": {}, "spec": {}})
    if not refused_by_prism(status, text):
        raise SystemExit(f"FAILED: Prism lets a wrong request pass: {status} {text}")


def judge_stand_in(prism, stand_in):
    create, _ = nfs_bodies()
    for key in ("clusterId", "projectId"):
        del create["meta"][key]
    status, text = stand_in.call("POST", "/api/v1/asset/datasource/nfs", create)
    if status != 202:
        raise SystemExit("FAILED: the stand-in refuses a good request: " + text)
    asset = json.loads(text)["meta"]["id"]
    tried = refused = 0
    for method, target, body in hostile_requests(asset):
        tried += 1
        status, text = prism.call(method, target, body)
        if not refused_by_prism(status, text):
            continue
        refused += 1
        status, answer = stand_in.call(method, target, body)
        if status < 400:
            raise SystemExit(f"FAILED: Prism refuses {method} {target} {body}: {text}\nthe stand-in answers {status}: {answer}")
    print(f"{tried} hostile requests, {refused} refused by Prism, all of these by the stand-in")
    if refused < 40:
        raise SystemExit("FAILED: Prism refuses suspiciously little; does it validate at all?")


def start_stand_in(version, port, directory):
    with open(os.path.join(directory, "stand_in.log"), "w", encoding="utf-8") as log:
        command = [os.path.join(BIN, "runai_stand_in"), "--port", str(port), "--department", "lab1"]
        child = Child("runai_stand_in", [*command, "--cluster-version", version + ".29"], stdout=subprocess.PIPE,
                      stderr=log, env={**os.environ, "RUNAI_STAND_IN_CLIENT_SECRET": SECRET})
    with child.popen.stdout as words:
        if not words.readline():  # its URL, once it listens
            raise SystemExit("FAILED: the stand-in does not start")
    return child


def judge_version(program, version, directory):
    port = free_port()
    children = [start_stand_in(version, port, directory)]
    try:
        proxy = Prism(program, version, f"http://127.0.0.1:{port}", directory)
        children.append(proxy)
        prism, stand_in = Server(proxy.port), Server(port)
        judge_client(proxy)
        status, text = stand_in.call("POST", "/api/v1/token", {"grantType": "client_credentials", "clientId": "stowage",
                                                               "clientSecret": SECRET})
        prism.token = stand_in.token = json.loads(text)["accessToken"]
        prove_that_prism_judges(prism, stand_in)
        judge_stand_in(prism, stand_in)
    finally:
        for child in children:
            child.stop()


def main():
    document_for("2.20")
    program = executable()
    with tempfile.TemporaryDirectory(prefix="runai_prism.") as directory:
        for version in ("2.20", "2.24"):
            print("== Run:ai", version)
            judge_version(program, version, directory)
    print("ok")


main()
