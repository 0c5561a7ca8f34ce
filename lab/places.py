"""Where the lab keeps things, and how it knows that something built earlier is still right."""

import hashlib
import os
import subprocess

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = os.path.join(CHECKOUT, "lab")
BUILD = os.environ.get("TOPHALF_LAB_DIR") or os.path.join(CHECKOUT, ".lab")


class LabError(Exception):
    """The lab cannot do what was asked; the text says what to do about it."""


def built(*parts):
    """Path of something in the build folder; the folder that holds it exists afterwards."""
    path = os.path.join(BUILD, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def source(*parts):
    """Path of something in the lab's own folder."""
    return os.path.join(SOURCES, *parts)


def call(*command, **options):
    """Run a tool and return its output as text.

    Raises: LabError with the end of what the tool printed.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", **options)
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is missing: apt-get install the packages of lab/apt-packages.txt") from error
    if done.returncode:
        tail = (done.stdout + done.stderr)[-3000:]
        raise LabError(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
    return done.stdout


def key_of(*parts):
    """One digest of strings and of files (given as ('file', path))."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, tuple):
            with open(part[1], "rb") as file:
                digest.update(file.read())
        else:
            digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def is_current(path, key):
    """Whether path was finished with this key."""
    try:
        with open(path + ".key") as file:
            return os.path.exists(path) and file.read() == key
    except FileNotFoundError:
        return False


def finish(path, key):
    """Note that path is complete. Written last, so that an interrupted build is built again."""
    with open(path + ".key", "w") as file:
        file.write(key)
