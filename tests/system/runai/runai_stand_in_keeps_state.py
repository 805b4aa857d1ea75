# Promise: the stand-in keeps its state through kill -9, serves TLS, and takes its secret from nowhere where others read.
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAM = os.path.join(os.environ["STOWAGE_BIN"], "runai_stand_in")


def check(good, what):
    print("ok:" if good else "FAILED:", what)
    if not good:
        sys.exit(1)


def start(directory, *more):
    """The process and its URL, which is the first line that it prints."""
    child = subprocess.Popen([PROGRAM, "--state", f"{directory}/state", "--client-secret-file", f"{directory}/secret",
                              "--department", "lab1", *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return child, child.stdout.readline().strip()


def call(url, method="GET", body=None, context=None):
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        return json.load(response)


def refusals(directory):
    def code(*arguments, **environment):
        clean = {k: v for k, v in os.environ.items() if k != "RUNAI_STAND_IN_CLIENT_SECRET"}
        return subprocess.run([PROGRAM, *arguments], env={**clean, **environment}, timeout=10,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    check(code() == 2, "no secret: exit code 2")
    check(code("--client-secret", "x") == 2, "a secret on the command line: exit code 2")
    os.chmod(f"{directory}/secret", 0o644)
    check(code("--client-secret-file", f"{directory}/secret") == 2, "a secret that others can read: exit code 2")
    os.chmod(f"{directory}/secret", 0o600)
    check(code("--certificate", "x", RUNAI_STAND_IN_CLIENT_SECRET="x") == 2, "a certificate without key: exit code 2")


def keeps_state(directory):
    child, url = start(directory)
    made = {"meta": {"name": "lab1-nfs", "scope": "department", "departmentId": "100001"},
            "spec": {"server": "nas", "path": "/p", "mountPath": "/m"}}
    identifier = call(url + "/_stand_in/nfs", "POST", made)["meta"]["id"]
    child.kill()
    child.wait()
    child, url = start(directory, "--port-file", f"{directory}/port")
    state = call(url + "/_stand_in/state")
    check([one["meta"]["id"] for one in state["nfs"]] == [identifier], "kill -9 loses nothing that was answered")
    check(len(state["departments"]) == 1, "a department is not made twice")
    check(url.endswith(":" + open(f"{directory}/port").read().strip()), "the port file holds the port")
    child.send_signal(signal.SIGTERM)
    check(child.wait(10) == 0, "SIGTERM: exit code 0")


def serves_tls(directory):
    if not shutil.which("openssl"):
        print("no openssl program: TLS not tried")
        return
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{directory}/key",
                    "-out", f"{directory}/certificate"], check=True, stderr=subprocess.DEVNULL)
    child, url = start(directory, "--certificate", f"{directory}/certificate", "--key", f"{directory}/key")
    check(url.startswith("https://"), "TLS is served")
    context = ssl.create_default_context(cafile=f"{directory}/certificate")
    check(len(call(url + "/_stand_in/state", context=context)["clusters"]) == 1, "and verified")
    child.terminate()
    child.wait(10)


def dies_with_parent(directory):
    script = (f"import subprocess, sys; c = subprocess.Popen([{PROGRAM!r}, '--die-with-parent', '--client-secret-file', "
              f"{directory + '/secret'!r}], stdout=subprocess.PIPE); c.stdout.readline(); print(c.pid, flush=True)")
    pid = int(subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=20).stdout)
    end = time.monotonic() + 10
    gone = False
    while not gone and time.monotonic() < end:
        try:
            gone = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            gone = True
        time.sleep(0.02)  # bounded: the pid is no child of ours and cannot be waited for
    check(gone, "it ends with its parent when told to")


with tempfile.TemporaryDirectory(prefix="runai_stand_in.") as place:
    with open(os.open(f"{place}/secret", os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write("s3cret\n")
    refusals(place)
    keeps_state(place)
    serves_tls(place)
    dies_with_parent(place)
