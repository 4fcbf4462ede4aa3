"""A running coqtop: sentences in, whether it took them out; one that takes too long is interrupted. `Coqtop`."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from compact_proofs.models.errors import Stopped
from compact_proofs.proofs import coqrun

SENTENCE_CPU_S = 2.5  # a sentence is interrupted then
SILENT_S = 900.0
MEMORY_KB = 4 * 2**20
PROMPT = re.compile(rb"<prompt>[^<]* < (\d+) \|[^<]*< </prompt>")


class Coqtop:
    """A running coqtop. `send` says whether a sentence was taken."""

    def __init__(self, root: Path, group: int) -> None:
        """Start it in a folder with _CoqProject, in a process group."""
        limited = ["sh", "-c", f'ulimit -v {MEMORY_KB}; exec "$@"', "sh"]
        command = [*limited, "coqtop", "-q", "-quiet", "-emacs", "-w", "none", *coqrun.load_path(root)]
        pipe, both = subprocess.PIPE, subprocess.STDOUT
        self._process = subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, stderr=both, process_group=group)
        self.state, self.said, self.seconds, self.interrupted = 0, "", 0.0, False
        self._read()

    def send(self, sentence: str) -> bool:
        """Send one sentence, and interrupt it where it takes too long. Raises: Stopped: coqtop has ended."""
        before = self.state
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{sentence}\n".encode("ascii"))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Stopped("coqtop has ended") from None
        self._read()
        return self.state != before

    def back_to(self, state: int) -> None:
        """Go back to an earlier state."""
        self.send(f"BackTo {state}.")
        if self.state != state:
            raise Stopped(f"coqtop did not go back: {self.said}")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _read(self) -> None:
        assert self._process.stdout is not None
        data, end, began = b"", time.monotonic() + SILENT_S, self._cpu_s()
        self.interrupted = False
        while not (found := PROMPT.search(data)):
            ready, _, _ = select.select([self._process.stdout], [], [], 0.5)
            self.seconds = self._cpu_s() - began
            if ready:
                new = os.read(self._process.stdout.fileno(), 65536)
                if not new:
                    raise Stopped("coqtop has ended")
                data += new
            elif time.monotonic() > end or self.seconds > 4 * SENTENCE_CPU_S:
                raise Stopped("coqtop is silent")
            elif self.seconds > SENTENCE_CPU_S and not self.interrupted:
                self._process.send_signal(signal.SIGINT)
                self.interrupted = True
        self.state = int(found[1])
        self.said = PROMPT.sub(b"", data).decode(errors="replace")

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
