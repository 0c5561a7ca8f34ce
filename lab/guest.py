"""A running guest: start it, run commands in it, end it.

    with Guest("6.12", devices=("multiqueue", "edu")) as guest:
        print(guest.check("cat /proc/interrupts"))

In the guest: /project is the checkout (read-only), /out is `guest.out` on this side (read-write), PYTHONPATH is
/project/src. The taps live in a network namespace of the emulator, which ends with it: nothing stays behind.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from lab import devices as device_sets
from lab import emulator, images, kernels
from lab.places import BUILD, CHECKOUT, LabError

EVERYTHING = ("multiqueue", "e1000e", "nvme", "edu")
KERNEL_LINE = ("console=ttyS0 quiet panic=-1 tsc=reliable random.trust_cpu=on mitigations=off "
               "net.ifnames=0 oops=panic")
BOOT_S_MAX = 90
LINE_BYTES = 65536
PR_SET_PDEATHSIG = 1   # include/uapi/linux/prctl.h


class GuestDied(LabError):
    """The guest ended or hung; the text has the end of its console."""


class Result:
    """What a command in the guest did: status (None: ran out of time), stdout, stderr."""

    def __init__(self, command, answer):
        self.command = command
        self.status = answer["status"]
        self.stdout = answer["stdout"]
        self.stderr = answer["stderr"]

    def __repr__(self):
        return f"$ {self.command}\nstatus {self.status}\n{self.stdout[-6000:]}\n{self.stderr[-3000:]}"


class Guest:
    """One booted kernel with its devices.

    Args: flavour: a key of kernels.META. devices: names of device sets. cpus, memory_mib: its size.
        append: more words for the kernel's command line.
    Raises: LabError when something is missing, GuestDied when it does not come up.
    """

    def __init__(self, flavour, devices=EVERYTHING, cpus=4, memory_mib=1024, append=""):
        self.release = kernels.releases()[flavour]
        self.name = f"{flavour}-{os.getpid()}-{id(self):x}"
        self.folder = os.path.join(BUILD, "run", self.name)
        self.out = os.path.join(self.folder, "out")
        self.console_path = os.path.join(self.folder, "console")
        os.makedirs(self.out)
        self._socket = self._process = None
        self._rest = b""
        try:
            self._process = self._start(tuple(devices), cpus, memory_mib, append)
            self._wait_ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _start(self, devices, cpus, memory_mib, append):
        command = [*emulator.command(), "-M", "pc", "-cpu", "max", "-smp", str(cpus), "-m", str(memory_mib),
                   "-nodefaults", "-display", "none", "-no-reboot", "-serial", "file:" + self.console_path,
                   "-kernel", kernels.image(self.release), "-initrd", images.initramfs(self.release),
                   "-append", f"{KERNEL_LINE} {append}", *self._shares(), *self._command_port(),
                   *device_sets.arguments(devices, self.folder)]
        network = device_sets.network_script(devices)
        if network:
            command = ["unshare", "--net", "sh", "-ec", network + 'exec "$@"', "sh", *command]
        with open(os.path.join(self.folder, "emulator.log"), "wb") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                    pass_fds=(self._other.fileno(),), preexec_fn=_die_with_parent)

    def _shares(self):
        return ["-drive", f"file={images.root_image()},if=none,id=root,format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=root,num-queues=1",
                "-fsdev", f"local,id=project,path={CHECKOUT},security_model=none,readonly=on",
                "-device", "virtio-9p-pci,fsdev=project,mount_tag=project",
                "-fsdev", f"local,id=out,path={self.out},security_model=none",
                "-device", "virtio-9p-pci,fsdev=out,mount_tag=out"]

    def _command_port(self):
        # A path of the build folder may be longer than the 108 bytes of a socket address: pass the socket itself.
        self._socket, self._other = socket.socketpair()
        return ["-chardev", f"socket,id=commands,fd={self._other.fileno()}", "-device", "virtio-serial-pci",
                "-device", "virtserialport,chardev=commands,name=lab.commands"]

    def _wait_ready(self):
        self._other.close()   # else the end of the emulator would not be seen as the end of the connection
        answer = self._answer(BOOT_S_MAX)
        if answer.get("ready") != self.release:
            raise GuestDied(f"unexpected first line {answer}\n{self.report()}")

    def _answer(self, timeout_s):
        """The next line from the guest, decoded."""
        end = time.monotonic() + timeout_s
        while b"\n" not in self._rest:
            self._socket.settimeout(max(0.1, end - time.monotonic()))
            try:
                block = self._socket.recv(LINE_BYTES)
            except TimeoutError as error:
                raise GuestDied(f"{self.name} said nothing for {timeout_s:.0f} s\n{self.report()}") from error
            except ConnectionError:
                block = b""
            if not block:
                raise GuestDied(f"{self.name} ended\n{self.report()}")
            self._rest += block
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def run(self, command, timeout_s=60):
        """Run shell text in the guest and wait for it. Returns a Result whatever its status."""
        request = {"command": command, "timeout_s": timeout_s}
        self._socket.settimeout(30)
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise GuestDied(f"{self.name} is gone\n{self.report()}") from error
        return Result(command, self._answer(timeout_s + 30))

    def check(self, command, timeout_s=60):
        """Run shell text that must succeed; returns its standard output."""
        result = self.run(command, timeout_s)
        if result.status != 0:
            raise AssertionError(f"in the guest {self.name}: {result!r}\n{self.kernel_log()[-3000:]}")
        return result.stdout

    def tophalf(self, arguments, timeout_s=120):
        """Run tophalf of this checkout in the guest. Returns a Result."""
        return self.run(f"python3 -m tophalf {arguments}", timeout_s)

    def beside(self, *command):
        """Start a program of this machine in the guest's network namespace. Returns the Popen."""
        where = ["nsenter", "--target", str(self._process.pid), "--net"]
        return subprocess.Popen([*where, *command], stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)

    def flood(self, packets_per_second, seconds, target="10.9.0.2"):
        """Send UDP to the guest over its tap from 32 ports; 0 packets a second means as fast as it goes."""
        return self.beside(sys.executable, "-I", os.path.join(CHECKOUT, "lab", "flood.py"), target,
                           str(packets_per_second), str(seconds))

    def alive(self):
        """Whether it still runs and answers."""
        try:
            return self._process.poll() is None and self.run("true", 10).status == 0
        except GuestDied:
            return False

    def kernel_log(self):
        """The guest's dmesg, or the reason why there is none."""
        try:
            return self.run("dmesg", 20).stdout
        except GuestDied as error:
            return str(error)

    def report(self):
        """What there is to see from outside: the end of the console and what the emulator said."""
        texts = []
        for path in (self.console_path, os.path.join(self.folder, "emulator.log")):
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    texts.append(f"--- end of {path}\n{file.read()[-4000:]}")
        return "\n".join(texts)

    def close(self):
        """End the guest at once and remove its folder. Harmless when it is gone already."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._socket is not None:
            self._socket.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _die_with_parent():
    """A guest must not outlive a test run that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
