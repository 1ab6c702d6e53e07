"""Makes a Python process, and those that it starts, miss what Windows does not have; in the search path of one.

What the standard library itself needs to start processes here stays. The lock of Windows is played by flock.
"""

import fcntl
import os
import select
import selectors
import signal
import subprocess
import sys
from multiprocessing import popen_spawn_posix, resource_tracker
from types import ModuleType

import portalocker

LOADED_WHOLE = (popen_spawn_posix, portalocker, selectors, subprocess)
OF_OS = (
    *("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "fchmod", "fchown", "fork", "forkpty", "getpgrp"),
    *("geteuid", "getloadavg", "getuid", "mkfifo", "nice", "openpty", "posix_fadvise", "pread", "pwrite"),
    *("sched_getaffinity", "sysconf", "tcgetpgrp", "ttyname"),
)
OF_SIGNAL = ("SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIG_BLOCK", "alarm", "pthread_sigmask", "setitimer")
flock = fcntl.flock


def locking(descriptor: int, mode: int, _length: int) -> None:
    assert os.lseek(descriptor, 0, os.SEEK_CUR) > 1000, "what is locked could not be read"
    try:
        flock(descriptor, fcntl.LOCK_UN if mode == msvcrt.LK_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied") from None


def select_sockets(*_: object) -> None:
    raise OSError(10038, "An operation was attempted on something that is not a socket")


msvcrt = ModuleType("msvcrt")
msvcrt.LK_NBLCK, msvcrt.LK_UNLCK, msvcrt.locking = 2, 0, locking  # type: ignore[attr-defined]
for missing in ("fcntl", "pwd", "grp", "resource", "termios", "tty"):
    sys.modules[missing] = None  # type: ignore[assignment]
sys.modules["msvcrt"] = msvcrt
for module, names in ((os, OF_OS), (signal, OF_SIGNAL), (select, ("poll", "epoll"))):
    for name in names:
        delattr(module, name)
select.select = select_sockets  # type: ignore[assignment]
resource_tracker._HAVE_SIGMASK = False  # type: ignore[attr-defined]
popen_spawn_posix.Popen.kill = lambda popen: popen._send_signal(9)  # type: ignore[method-assign]
