"""A Kerberos realm in the guest: Debian's own KDC (MIT's), a key for the NFS server, keys for a node and a user of it."""

import os
import pathlib

from kernel_nfsd import run

REALM, SERVER = "STOWAGE.TEST", "storage.stowage.test"
KEYTAB = pathlib.Path("/etc/krb5.keytab")
_NODE_KEYTAB, _USER_KEYTAB = pathlib.Path("/etc/node.keytab"), pathlib.Path("/etc/alice.keytab")
# What Linux 6.1 speaks for NFS and the KDC has, too.
_CONFIGURATION = """\
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
permitted_enctypes = aes256-cts-hmac-sha1-96
[realms]
{realm} = {{
kdc = {address}
supported_enctypes = aes256-cts-hmac-sha1-96:normal
}}
[domain_realm]
.stowage.test = {realm}
"""


def start(address):
    """The KDC, and on this machine, which the realm knows as SERVER with that address, what lets in who has a ticket."""
    pathlib.Path("/etc/krb5.conf").write_text(_CONFIGURATION.format(realm=REALM, address=address), encoding="ascii")
    with open("/etc/hosts", "a", encoding="ascii") as hosts:
        hosts.write(f"{address} {SERVER}\n")
    run("kdb5_util", "create", "-s", "-P", "of this guest only")
    keys = {f"nfs/{SERVER}": KEYTAB, "host/node": _NODE_KEYTAB, "alice": _USER_KEYTAB}
    commands = [f"addprinc -randkey {name}\nktadd -k {keytab} {name}\n" for name, keytab in keys.items()]
    said = run("kadmin.local", input="".join(commands))
    assert all(keytab.exists() for keytab in keys.values()), said
    run("krb5kdc")
    run("modprobe", "rpcsec_gss_krb5")
    run("rpc.svcgssd")


def join(node, keytab=_NODE_KEYTAB):
    """The node gets its key, and what asks for tickets on behalf of its kernel."""
    script = 'mount -t rpc_pipefs rpc_pipefs "$1" && exec rpc.gssd -p "$1" -k "$2"'
    node.run("unshare", "--mount", "sh", "-c", script, "sh", "/run/rpc_pipefs", keytab)


def give_ticket(uid):
    """To this user of every node."""
    ticket = f"/tmp/krb5cc_{uid}"
    run("kinit", "-k", "-t", str(_USER_KEYTAB), "-c", ticket, "alice")
    os.chown(ticket, uid, uid)
