"""Nothing is left of hosts, however the test ends that made them."""

import os
import signal
import subprocess
import sys

import pytest
from tests.hosts.network import NAMESPACES
from tests.outages import wait_until

pytestmark = [
    pytest.mark.aws,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces, needs root"),
]
KILLED = """
import os, signal, subprocess
from tests.hosts.network import Host, Switch, cleared

with cleared():
    switch, host = Switch("back", 0), Host("one")
    switch.plug(host)
    subprocess.Popen([*host.within, "sleep", "600"])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_hosts_and_what_runs_on_them_go_when_their_test_is_killed() -> None:
    killed = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE)
    # The other end of the pipe is open for as long as anything lives that ran on the host.
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    wait_until(lambda: not list(NAMESPACES.glob(f"*-{killed.pid}-*")))
