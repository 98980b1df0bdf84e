"""Loss of power on real processes: kill -9, and every byte that was not synchronised is taken back.

`kill -9` alone loses nothing of what was written, as the page cache outlives the process. The library
`power/unsynced.c`, preloaded into the nodes, keeps a journal of what is not synchronised; this takes it back.
"""

import os
import shutil
import signal
import struct
import subprocess
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).parent / "power" / "unsynced.c"
HEAD = struct.Struct("=qqq")


class PowerCord:
    """What the nodes of a cluster have written and not synchronised."""

    def __init__(self, directory):
        # As the kernel names it, which is how the library sees it.
        self.root = Path(directory).resolve()
        self.journals = self.root.parent / (self.root.name + "-journals")
        self.journals.mkdir(exist_ok=True)
        self.library = self.journals / "unsynced.so"
        subprocess.run(
            [os.environ.get("CC", "cc"), "-O2", "-Wall", "-shared", "-fPIC", "-o", self.library, SOURCE, "-ldl"],
            check=True,
        )

    @contextmanager
    def plugged_in(self):
        """Nodes that are started inside have a journal; so do the tools, which write nothing there."""
        settings = {
            "LD_PRELOAD": str(self.library), "UNSYNCED_ROOT": str(self.root), "UNSYNCED_JOURNALS": str(self.journals),
        }
        former = {key: os.environ.get(key) for key in settings}
        os.environ.update(settings)
        try:
            yield
        finally:
            for key, value in former.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value

    def destroy(self):
        shutil.rmtree(self.journals, ignore_errors=True)

    def pull(self, processes):
        """Kills all processes at once and takes back what they had not synchronised; returns how many bytes."""
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        for process in processes:
            os.kill(process, signal.SIGKILL)
        for process in processes:
            wait_gone(process)
        paths = {path.stat().st_ino: path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()}
        generations = defaultdict(list)
        for journal in self.journals.glob("*.*"):
            if journal.name[0].isdigit():
                inode, generation = map(int, journal.name.split("."))
                generations[inode].append((generation, journal))
        lost = 0
        for inode, journals in generations.items():
            for _, journal in sorted(journals, reverse=True):
                if inode in paths:
                    lost += take_back(paths[inode], journal.read_bytes())
                journal.unlink()
        return lost


def wait_gone(process):
    """The files of a process are nobody's when it is no more than a zombie."""
    while True:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state in "ZX":
            return


def take_back(path, journal):
    """Undoes the changes of a journal, the newest first."""
    changes = []
    at = 0
    while at + HEAD.size <= len(journal):
        position, size, count = HEAD.unpack_from(journal, at)
        at += HEAD.size
        if at + count > len(journal):
            # The process died while it wrote this down, so before it made the change.
            break
        changes.append((position, size, journal[at:at + count]))
        at += count
    before = path.stat().st_size
    with open(path, "r+b") as file:
        for position, size, former in reversed(changes):
            file.truncate(size)
            file.seek(position)
            file.write(former)
    return max(before - path.stat().st_size, 0) + sum(len(former) for _, _, former in changes)
