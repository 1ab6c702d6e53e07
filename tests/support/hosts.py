"""Machines with addresses of their own on a network of their own: network namespaces, joined by a switch.

They share processors, memory and disk, as hosts share a file system. They vanish with the block that made them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NETWORK = "10.77.0"
NAMESPACES = ("--net", "--uts", "--mount")
MOST = 100  # hosts that know each other's names
TOOLS = ("unshare", "nsenter", "ip", "hostname", "mount")


def missing() -> str | None:
    """What keeps this machine from having hosts; None if nothing does."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux makes hosts with addresses of their own"
    if absent := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"hosts with addresses of their own need {', '.join(absent)}"
    if subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, check=False).returncode:
        return "the system allows no network namespaces"
    return None


def namespace(process: int | str, kind: str = "net") -> Path:
    return Path(f"/proc/{process}/ns/{kind}").readlink()


class Host:
    """A machine: a network namespace with one cable to the switch, and a name."""

    def __init__(self, number: int, names: Path, switch: subprocess.Popen[bytes] | None = None) -> None:
        self.name = f"host{number}"
        self.address = f"{NETWORK}.{number}"
        self._cable = f"cable{number}"
        self._started: list[subprocess.Popen[bytes]] = []
        self._switch = switch
        # It lives as long as this process, which is no part of it.
        self._keeper = subprocess.Popen(["unshare", *NAMESPACES, "sleep", "infinity"])
        while any(self._shares(kind) for kind in ("net", "uts", "mnt")):
            time.sleep(0.005)
        self._namespace = namespace(self._keeper.pid)
        self.run("hostname", self.name)
        for file in ("hosts", "resolv.conf"):
            self.run("mount", "--bind", names / file, f"/etc/{file}")
        self.run("ip", "link", "set", "lo", "up")
        if switch is not None:
            cable = ["ip", "link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns"]
            self._at_switch(*cable, str(self._keeper.pid))
            self._at_switch("ip", "link", "set", self._cable, "master", "switch", "up")
            self.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
            self.run("ip", "link", "set", "eth0", "up")

    def _shares(self, kind: str) -> bool:
        return namespace(self._keeper.pid, kind) == namespace("self", kind)

    @property
    def keeper(self) -> subprocess.Popen[bytes]:
        return self._keeper

    def command(self, arguments: Sequence[object]) -> list[str]:
        return ["nsenter", f"--target={self._keeper.pid}", *NAMESPACES, *map(str, arguments)]

    def run(self, *arguments: object) -> None:
        subprocess.run(self.command(arguments), check=True)

    def start(self, arguments: Sequence[object], env: Mapping[str, str], **options: Any) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(self.command(arguments), env=dict(env), **options)
        self._started.append(started)
        return started

    def processes(self) -> list[int]:
        """Those that run on it, but the one that keeps it."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and namespace(entry.name) == self._namespace:
                    found.append(int(entry.name))
        return [process for process in found if process != self._keeper.pid]

    def kill(self) -> None:
        """Kills all that runs on it, at once."""
        while processes := self.processes():
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.01)

    def cut_off(self) -> None:
        """Takes the cable from the switch: nothing comes through any more, and nobody is told."""
        self._at_switch("ip", "link", "set", self._cable, "down")

    def plug_in(self) -> None:
        """Puts the cable back."""
        self._at_switch("ip", "link", "set", self._cable, "up")

    def _at_switch(self, *arguments: str) -> None:
        assert self._switch is not None
        subprocess.run(["nsenter", f"--target={self._switch.pid}", "--net", *arguments], check=True)

    def close(self) -> None:
        self.kill()
        for started in self._started:
            started.communicate()
        self._keeper.kill()
        self._keeper.wait()


class Network:
    """Hosts and the switch between them; hosts may be added while others run."""

    def __init__(self, folder: Path) -> None:
        """Takes an empty folder for the files that tell hosts each other's addresses."""
        self._names = folder
        names = [f"{NETWORK}.{number} host{number}" for number in range(1, MOST)]
        (folder / "hosts").write_text("\n".join(["127.0.0.1 localhost", *names, ""]))
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")  # which answers at once that it is not there
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        switch = Host(254, self._names)
        self._stack.callback(switch.close)
        switch.run("ip", "link", "add", "switch", "type", "bridge")
        switch.run("ip", "link", "set", "switch", "up")
        self._switch = switch.keeper
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self) -> Host:
        self._count += 1
        host = Host(self._count, self._names, self._switch)
        self._stack.callback(host.close)
        return host
