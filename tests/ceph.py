"""Ceph's S3 in processes of this test run: a monitor, a store in memory, the gateway."""

import os
import shlex
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from tests.localstack import CREDENTIALS, free_port

_START_S = 60
_CONFIGURATION = """
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{monitor}/0]
public_network = 127.0.0.0/8
keyring = {root}/keyring
mon_data = {root}/mon
osd_data = {root}/osd
rgw_data = {root}/rgw
run_dir = {root}
pid_file = {root}/$name.pid
admin_socket = {root}/$name.socket
log_file = {root}/$name.log
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_pool_default_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
rgw_frontends = beast endpoint=127.0.0.1:{gateway}
"""


@contextmanager
def ceph(root: Path) -> Iterator[str]:
    """Run Ceph, as root, until the block ends; give the address of its S3."""
    gateway, fsid = free_port(), uuid.uuid4()
    configuration = _CONFIGURATION.format(
        fsid=fsid, root=root, monitor=free_port(), gateway=gateway
    )
    (root / "ceph.conf").write_text(configuration)
    for name in ("mon", "osd", "rgw"):
        (root / name).mkdir()
    user = f"--access-key={CREDENTIALS['AWS_ACCESS_KEY_ID']}"
    secret = f"--secret={CREDENTIALS['AWS_SECRET_ACCESS_KEY']}"
    monitor = configuration.partition("mon_host = ")[2].partition("/0")[0] + "]"
    try:
        _run(root, "ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *'")
        rights = "--cap mon 'allow *' --cap osd 'allow *'"
        _run(root, f"ceph-authtool keyring --gen-key -n client.admin {rights}")
        rights = "--cap mon 'allow profile osd' --cap osd 'allow *'"
        _run(root, f"ceph-authtool keyring --gen-key -n osd.0 {rights}")
        _run(root, f"monmaptool --create --fsid {fsid} --addv a '{monitor}' map")
        _run(root, "ceph-mon --mkfs -i a --monmap map --keyring keyring")
        _run(root, "ceph-mon -i a")
        disk = uuid.uuid4()
        _run(root, f"ceph osd new {disk} 0")
        _run(root, f"ceph-osd -i 0 --mkfs --osd-uuid {disk}")
        _run(root, "ceph osd crush add osd.0 1.0 root=default host=here")
        _run(root, "ceph-osd -i 0")
        _run(root, f"radosgw-admin user create --uid=us --display-name=us {user} {secret}")
        _run(root, "radosgw -n client.admin")
        _wait(root, url := f"http://127.0.0.1:{gateway}")
        yield url
    finally:
        for pid in root.glob("*.pid"):
            with suppress(ValueError, ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGKILL)


def _run(root: Path, command: str) -> None:
    """Run one of Ceph's commands; its daemons go into the background by themselves."""
    configured = {**os.environ, "CEPH_CONF": str(root / "ceph.conf")}
    log = root / "commands.log"
    with log.open("a") as output:
        done = subprocess.run(
            shlex.split(command),
            cwd=root,
            env=configured,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=_START_S,
            check=False,
        )
    assert done.returncode == 0, f"{command}\n" + log.read_text()[-2000:]


def _wait(root: Path, url: str) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        with suppress(httpx.HTTPError):
            if httpx.get(url, trust_env=False).is_success:
                return
        time.sleep(0.2)
    raise AssertionError("Ceph did not start:\n" + (root / "client.admin.log").read_text()[-3000:])
