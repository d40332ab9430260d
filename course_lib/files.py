"""Files that a crash, a full disk or an interruption never leaves half written, and that say so where they are damaged."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to `path` when the block succeeds.

    If the block raises, the temporary file is removed and what stood at `path` stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(8)}{path.suffix}")
    temporary.touch(exist_ok=False)             # who may read it: as the user has set it for new files
    try:
        yield temporary
        with open(temporary, "r+b") as file:    # for writing: Windows does not flush what is open for reading
            os.fsync(file.fileno())             # on the disk before it takes the name
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file, made if missing, during the block. The system frees it when the process ends, however it ends.

    Raises
    ------
    BlockingIOError if another process holds it.
    """
    with open(path, "ab") as file:
        if os.name == "nt":
            import msvcrt

            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except PermissionError:
                raise BlockingIOError from None
        else:
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:        # some network file systems (Lustre, as it is often mounted) know no locks
                if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK):
                    raise
        yield


@contextmanager
def arrays_of(path: str | Path) -> Iterator[np.lib.npyio.NpzFile]:
    """Open an .npz file for the block that reads it.

    Raises
    ------
    ValueError in one sentence if the file is missing, damaged, may not be read, or lacks what the block asks it for.
    """
    try:
        with np.load(path) as file:
            yield file
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}.") from None
    except PermissionError:
        raise ValueError(f"{path} may not be read; check its permissions.") from None
    except Exception as error:      # zipfile, zlib, NumPy: each has its own way of saying "damaged"
        raise ValueError(f"{path} is damaged ({(str(error) or type(error).__name__).splitlines()[0]}); restore the file.") from None
