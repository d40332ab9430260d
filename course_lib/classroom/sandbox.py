"""A kernel for somebody else's code: limits on memory, files and processes, no network, nothing of the classroom to see.

What each layer does:

- everywhere but Windows, `resource` limits memory, the size of files, open files and processes (these not for root, and
  not in a container, whose engine limits them);
- on Linux with bubblewrap (`apt install bubblewrap`) the kernel gets a file system of its own, in which the whole
  disk is read-only, home folders, /tmp, /srv and the classroom are empty, and only one scratch folder can be written to;
  its own process numbers; and no network, not even this machine's. Started by root, it runs as the user `nobody`.

Neither protects against a bug in the Linux kernel itself, nor does either limit processor time; for that there is the
time limit of `grading`. A container without network, the recommended way, is in INSTRUCTORS.md.

As a program: `python -m course_lib.classroom.sandbox MEMORY_GB PROCESSES COMMAND…` sets limits and becomes COMMAND.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager

from course_lib.workspace import ROOT

LARGEST_FILE = 512 * 2**20      # bytes
OPEN_FILES = 1024
ADDRESSES = 4                   # times the memory: TensorFlow reserves twice as much as it uses, more with many cores
PROCESSES = 512                 # and threads, more than the user has already; TensorFlow alone starts some dozens
NOBODY = 65534
FIRST_NAMESPACE = 0xEFFFFFFC    # PROC_PID_INIT_INO in Linux's include/linux/proc_ns.h


def available() -> bool:
    """Whether this machine has bubblewrap and lets us use it."""
    return bool(shutil.which("bwrap")) and not refusal()


def refusal() -> str:
    """Why bubblewrap may not be used although it is installed, as on Ubuntu 24.04, in its own words; else ""."""
    program = shutil.which("bwrap")
    if not program:
        return ""
    tried = subprocess.run([program, "--ro-bind", "/", "/", "--unshare-net", "true"], capture_output=True, text=True, errors="replace")
    return (tried.stderr.strip() or f"exit status {tried.returncode}") if tried.returncode else ""


def confined(command: list[str], scratch: Path, hidden: list[Path]) -> list[str]:
    """The command inside bubblewrap.

    Parameters
    ----------
    scratch : the one folder it may write to, where it also starts.
    hidden : folders it sees empty, besides /tmp, /var/tmp, /run, /srv and home folders.
    """
    needed = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1], ROOT / "course_lib", ROOT / "data"}
    empty = [Path("/tmp"), Path("/var/tmp"), Path("/run"), Path("/srv"), Path("/home"), Path("/root"), Path.home(), *hidden]
    words = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
             "--unsetenv", "JPY_PARENT_PID",        # the kernel would look for it among its own process numbers
             "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
    for folder in dict.fromkeys(path.resolve() for path in empty if path.is_dir()):
        words += ["--tmpfs", str(folder)]
        for path in sorted(path for path in needed if path.is_relative_to(folder)):
            for above in reversed(path.parents):            # bubblewrap would make them for their owner alone
                if above.is_relative_to(folder) and above != folder:
                    words += ["--perms", "0755", "--dir", str(above)]
            words += ["--ro-bind", str(path), str(path)]
    words += ["--bind", str(scratch), str(scratch), "--chdir", str(scratch)]
    if os.geteuid() == 0:
        words += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
    return words + command


def processes_for(user: int) -> int:
    """The limit for a kernel: `PROCESSES` more than the threads this user has now; 0, for none, where not all are seen.

    The limit counts the user's threads on the whole machine. In a container those outside are not seen, and where
    they are many no kernel could start.
    """
    import psutil

    if not all_processes_are_seen():
        return 0
    total = PROCESSES
    for process in psutil.process_iter(["uids", "num_threads"]):
        uids = process.info["uids"]
        total += (process.info["num_threads"] or 0) if uids and uids.real == user else 0
    return total


def all_processes_are_seen() -> bool:
    """Whether this process is in the system's first namespace of processes; on other systems than Linux there is one."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino == FIRST_NAMESPACE
    except OSError:
        return True


class ConfinedKernelManager(AsyncKernelManager):
    """Starts the kernel under limits, and under bubblewrap if `bubblewrap` is set; talks to it through files."""

    def __init__(self, scratch: Path, memory_gb: float, bubblewrap: bool, hidden: list[Path], **more):
        super().__init__(kernel_name="python3", **more)
        self.scratch, self.memory_gb, self.bubblewrap, self.hidden = scratch, memory_gb, bubblewrap, hidden
        if bubblewrap:                      # signals and sockets of the network would not reach over
            self.kernel_spec.interrupt_mode = "message"
            self.transport, self.ip = "ipc", str(scratch / "kernel")
            self.connection_file = str(scratch / "kernel.json")

    def format_kernel_cmd(self, extra_arguments=None) -> list[str]:
        command = super().format_kernel_cmd(extra_arguments)
        if os.name == "nt":
            return command
        user = NOBODY if self.bubblewrap and os.geteuid() == 0 else os.geteuid()
        command = [sys.executable, "-m", "course_lib.classroom.sandbox", str(self.memory_gb),
                   str(processes_for(user)), *command]
        if not self.bubblewrap:
            return command
        if os.geteuid() == 0:
            for path in (self.scratch, *self.scratch.iterdir()):
                os.chown(path, NOBODY, NOBODY)
        return confined(command, self.scratch, self.hidden)


def limit(memory_gb: float, processes: int) -> None:
    """Limit this process and all it starts."""
    import resource

    memory = int(memory_gb * 2**30)
    limits = {resource.RLIMIT_DATA: memory, resource.RLIMIT_AS: ADDRESSES * memory, resource.RLIMIT_FSIZE: LARGEST_FILE,
              resource.RLIMIT_NOFILE: OPEN_FILES, resource.RLIMIT_CORE: 0}
    if processes:
        limits[resource.RLIMIT_NPROC] = processes
    for kind, value in limits.items():
        most = resource.getrlimit(kind)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):       # macOS knows RLIMIT_AS but refuses it
            continue


if __name__ == "__main__":
    limit(float(sys.argv[1]), int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])
