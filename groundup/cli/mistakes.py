"""What went wrong, in one line, and what to do about it."""

import errno

from groundup.errors import UserError, is_out_of_memory, missing_package

CAUSES: dict[int | None, str] = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "your disk quota is used up; free some space and run the same command again",
    errno.EFBIG: "the file grew past the size limit; raise it (ulimit -f) and run again",
    errno.EACCES: "permission denied; choose a folder that is yours",
    errno.EPERM: "not permitted; choose a folder that is yours",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "there is a file where a folder is needed; choose another folder",
    errno.EEXIST: "there is a file where a folder is needed; choose another folder",
    errno.EISDIR: "is a folder where a file is needed",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
}


def explain(error: BaseException) -> tuple[int, str]:
    """Return the exit code of an exception and one line that says what to do."""
    if isinstance(error, UserError):
        return error.exit_code, " ".join(str(error).split())
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted; what was finished is kept, the same command goes on from there"
    if type(error).__name__ == "InterruptedRun":  # its module imports torch
        return 130, str(error)
    if missing := missing_package(error):
        return missing.exit_code, str(missing)
    text = " ".join(str(error).split())
    if isinstance(error, OSError) or _is_disk_full(error):
        return 1, _system(error, text)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, for a GPU
        return 1, "the device is out of memory; lower pretrain.micro_batch_size (keeps the result)"
    if is_out_of_memory(error):
        return 1, "out of memory; lower pretrain.micro_batch_size, pretrain.batch_size or the model"
    name = type(error).__name__
    return 1, f"this is a bug in groundup: {name}: {text[:300]}; --debug shows where, please report"


def _system(error: BaseException, text: str) -> str:
    """Explain what the operating system refused, also where a library only passes on its text."""
    number = errno.ENOSPC if _is_disk_full(error) else getattr(error, "errno", None)
    cause = CAUSES.get(number)
    file = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if cause is None:
        return text or type(error).__name__
    return f"{file}: {cause}" if file else cause


def _is_disk_full(error: BaseException) -> bool:
    """Return whether a full disk is behind an error, however a library has wrapped it.

    safetensors passes on only the system's text; torch's zip writer only finds that less is in
    the file than it wrote ("inline_container.cc … unexpected pos").
    """
    text = str(error)
    return (
        (isinstance(error, OSError) and error.errno == errno.ENOSPC)
        or "No space left on device" in text
        or ("inline_container" in text and "unexpected pos" in text)
    )
