"""Writing files so that no half-written one is ever seen: `write_atomic`, and `remove_unfinished` after a run that was killed."""

import os
import tempfile
from pathlib import Path

UNFINISHED = ".unfinished"  # how the name of a temporary file ends


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` by a temporary file in the same folder and a rename; makes missing folders.

    An interruption leaves the old file, or none, and no temporary file; one by SIGKILL may leave a temporary file.

    Raises: OSError: the message names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=UNFINISHED, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)  # mkstemp gives 0600
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # such as: the disk is full
            error.filename = str(path)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove the temporary files of a killed run; nobody else may be writing to this folder."""
    for path in folder.glob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)
