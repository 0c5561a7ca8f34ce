"""What is fuzzed: each target takes a case (bytes, or files of a machine) from good input, spoils it, and runs the readers.

A target is (make(rng) -> case, run(case)). A case is {path: bytes}; what a run may raise is TophalfError and nothing else.
"""

import contextlib
import io
import os
import sys
import tempfile

from fuzz_mutate import mutate

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "src"), os.path.join(ROOT, "tests")]
HOSTS = os.path.join(ROOT, "tests", "data", "hosts")
TRACES = os.path.join(ROOT, "tests", "data", "traces")

from tophalf.host.roots import MemoryRoot  # noqa: E402


class Target:
    """name; make(rng): a spoilt case; run(case): the code under test."""

    def __init__(self, name, make, run):
        self.name, self.make, self.run = name, make, run


def all_targets():
    """Every target, by name."""
    machines = good_machines()
    found = [*reader_targets(machines), *text_targets(), *trace_targets(), *command_targets(machines)]
    return {target.name: target for target in found}


def good_machines():
    """[{path: bytes}], [{path: target}] of this host as a recording would keep it, and of the recorded ones."""
    from tophalf.host.archive import read_archive, unpack_stream
    from tophalf.host.read import ALL, ALL_FACTS, read_facts, read_snapshot
    from tophalf.host.record.moments import CapturingRoot

    root = CapturingRoot()
    read_snapshot(root, 0, ALL)
    read_facts(root, ALL_FACTS)
    machines = [({path: data[:200_000] for path, data in root.kept().items()}, dict(root.links))]
    for case in ("irqbalance", "idle-6.18"):
        files, _, _ = read_archive(unpack_stream(f"{HOSTS}/{case}.tar.xz"), case)
        moment = min(path.split("/")[2] for path in files if path.count("/") > 2)
        cut = len(f"/{case}/{moment}")
        machines.append(({path[cut:]: data for path, data in files.items() if path.startswith(f"/{case}/{moment}/")}, {}))
    return machines


def reader_targets(machines):
    """One target a field of Snapshot and Facts: the files that its reader looks at, one to three of them spoilt."""
    from tophalf.host.read import FACT_READERS, READERS, read_facts, read_snapshot

    for field in READERS:
        yield _reader(field, machines, lambda root, field=field: read_snapshot(root, 0, (field,)))
    for field in FACT_READERS:
        yield _reader("facts-" + field, machines, lambda root, field=field: read_facts(root, (field,)))


def _reader(name, machines, read):
    seeds = [(_looked_at(files, links, read), links) for files, links in machines]
    seeds = [(files, links) for files, links in seeds if files]

    def make(rng):
        files, links = rng.choice(seeds)
        files, links = dict(files), dict(links)
        for path in rng.choices(list(files), k=rng.choice((1, 1, 2, 3))):
            files[path] = mutate(files[path], rng, list(files.values()))
        if links and rng.random() < 0.1:
            path = rng.choice(list(links))
            links[path] = rng.choice((path, "/", "", "../" * 50, "\0", "x" * 5000, rng.choice(list(links))))
        return {**files, **{"link:" + path: target.encode("utf-8", "surrogateescape") for path, target in links.items()}}

    def run(case):
        files = {path: data for path, data in case.items() if not path.startswith("link:")}
        links = {path[5:]: data.decode("utf-8", "surrogateescape") for path, data in case.items() if path.startswith("link:")}
        read(MemoryRoot(files, links))

    return Target(name, make if seeds else lambda rng: {"/proc/" + name: rng.randbytes(200)}, run)


class _Watched(MemoryRoot):
    """Remembers which of its files were read."""

    def __init__(self, files, links):
        super().__init__(files, links)
        self.looked_at = set()

    def read(self, path):
        data = super().read(path)
        if data is not None:
            self.looked_at.add(path if path in self.files else self.real(path))
        return data


def _looked_at(files, links, read):
    root = _Watched(files, links)
    read(root)
    names = {path: data for path, data in files.items() if not data or path.endswith("/.keep")}  # what listings show
    looked = {path: files[path] for path in root.looked_at}
    return {**names, **looked} if looked else {}


def text_targets():
    """Parsers that no recorded machine reaches: sockets, options, the state file, what people type."""
    from tophalf.cli.cpunotation import read_cpus, read_list, read_mask
    from tophalf.host.readers import daemons, ethtool_text, genetlink, kmsg, netlink, processes
    from tophalf.host.record import tracevents
    from tophalf.host.steer import undo
    from tophalf.host.trace import formats

    setup = b"SLEEP 10 IRQ 36 LOAD 0 DIFF 0 CLASS 0 BANNED 00000002"
    ethtool = b"NIC statistics:\n     rx_packets: 10\n     [1] tx_drops: 4\nRing parameters for eth0:\nPre-set maximums:\n"
    ethtool += b"RX:\t256\nCurrent hardware settings:\nRX:\t128\nTX:\tn/a\nAdaptive RX: off  TX: off\nrx-usecs:\t3\n"
    ethtool += b"driver: e1000e\n"
    nested = netlink.attribute(1, netlink.attribute(2, b"\1\0\0\0") + netlink.attribute(3, b"eth0\0"))
    message = b"\1\1\0\0" + nested + netlink.attribute(4, b"\xff" * 8)
    wire = (len(message) + 16).to_bytes(4, "little") + b"\x10\0\2\0" + bytes(8) + message
    held = b'{"version": 1, "changes": [{"boot": "b", "irq": 4, "line": {}, "before": [0, 1], "after": [1], '
    held += b'"effective_before": null, "group": 1, "time_s": 0}], "refusals": [{"boot": "b", "irq": 4, "line": {}}]}'
    form = b"name: x\nID: 5\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    form += b"\n\tfield:__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;\n"
    form += b"\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:0;\n"
    page = b"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:8;\n"

    def state(data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            undo.State(file.name).load()

    def all_ethtool(data):
        text = _text(data)
        ethtool_text.parse_statistics(text)
        for parse in (ethtool_text.parse_limits, ethtool_text.parse_coalesce, ethtool_text.parse_driver):
            parse(text)

    yield _bytes("irqbalance-socket", [setup], lambda data: daemons.parse_setup(_text(data)))
    yield _bytes("irqbalance-arguments", [b"irqbalance\0-t\0002\0--banirq=3\0-i5\0--interval=7"],
                 lambda data: daemons.parse_arguments(tuple(_text(data).split("\0"))))  # fmt: skip
    yield _bytes("irqbalance-environment", [b"IRQBALANCE_BANNED_CPUS=3\nexport IRQBALANCE_BANNED_CPULIST='0-2'\n"],
                 lambda data: daemons.parse_environment(daemons.parse_environment_file(_text(data))))  # fmt: skip
    yield _bytes("ethtool-text", [ethtool], all_ethtool)
    yield _bytes("ps", [b"USER PID COMMAND\nroot 1 /sbin/init\nroot 77 /usr/sbin/irqbalance -f\n"],
                 lambda data: processes.parse_ps(_text(data), ("irqbalance",)))  # fmt: skip
    yield _bytes("kmsg-record", [b"6,339,5140900,-;NET: Registered\n SUBSYSTEM=x\n"], kmsg.parse_record)
    yield _bytes("netlink", [wire, wire * 3],
                 lambda data: [netlink.attributes(body[4:]) for _, _, body in netlink.messages(data)])  # fmt: skip
    yield _bytes("netlink-stats", [bytes(12) + netlink.attribute(1, bytes(192))], netlink.parse_link_stats)
    yield _bytes("genetlink", [message], lambda data: genetlink.parse_fields(data, {1: "x", 4: "y"}))
    yield _bytes("event-format", [form], lambda data: formats.parse_format(_text(data), "irq"))
    yield _bytes("header-page", [page], lambda data: formats.parse_header_page(_text(data)))
    yield _bytes("events-option", [b"irq,sched:sched_switch,+napi"], lambda data: tracevents.parse_events(_text(data)))
    yield _bytes("state-file", [held], state)
    for read in (read_cpus, read_list, read_mask):
        typed = [b"0-3,8", b"ffffffff,00000000", b"0x3", b"0-31:2/4"]
        yield _bytes(read.__name__, typed, lambda data, read=read: read(_text(data)))


def _text(data):
    return data.decode("utf-8", "surrogateescape")


def _bytes(name, seeds, run):
    return Target(name, lambda rng: {"data": mutate(rng.choice(seeds), rng, seeds)}, lambda case: run(case["data"]))


def trace_targets():
    """Traces: files of trace-cmd as recorded, small ones made here (unpacked, so that spots lie in pages), and text."""
    from tophalf.host.door import Machine, TraceSource
    from tophalf.host.trace.traces import load_events

    def load(form):
        return lambda case: load_events(Machine("fuzz", "trace", [], None, TraceSource(form, "fuzz", case["data"])))

    recorded = [_file(f"{TRACES}/{name}") for name in sorted(os.listdir(TRACES)) if name.endswith(".dat")]
    small = [data for data in recorded if len(data) < 60_000]
    text = _text_trace()
    yield Target("trace-dat", lambda rng: {"data": mutate(rng.choice(small), rng, small)}, load("dat"))
    made = made_traces()
    yield Target("trace-dat-made", lambda rng: {"data": mutate(rng.choice(made), rng, made)}, load("dat"))
    yield Target("trace-text", lambda rng: {"data": mutate(text, rng, [text])}, load("text"))
    yield from _recording_target(load_events, Machine, TraceSource)


def made_traces():
    """A recorded trace written anew in each version and packing, with little kallsyms."""
    import tracefiles
    from tophalf.host.door import TraceSource

    made = []
    for name in ("works-6.12.dat", "napi-threaded-6.12.dat"):
        trace, cpus = tracefiles.pages_of(TraceSource("dat", name, _file(f"{TRACES}/{name}")))
        texts = [(event.system, event.text) for event in trace.formats.values() if event.system != "ftrace"]
        pages = {cpu: data[: 4 * tracefiles.PAGE] for cpu, data in cpus.items()}
        for packing in ("none", "zlib", "zstd"):
            made.append(tracefiles.dat7([("", "local", pages)], texts, packing, cmdlines=trace.cmdlines))
        made.append(tracefiles.dat6([pages.get(cpu, b"") for cpu in range(max(pages) + 1)], texts, cmdlines=trace.cmdlines))
    return made


def _text_trace():
    import lzma

    with lzma.open(f"{HOSTS}/idle-6.18.trace.txt.xz") as file:
        return file.read(40_000).rpartition(b"\n")[0] + b"\n"


def _recording_target(load_events, machine, source):
    """The trace/ folder of a recording of this host; left out where none can be made."""
    files = _recording()
    if not files:
        return

    def make(rng):
        case, paths = dict(files), [path for path in files if not path.endswith(".gz")]
        for path in rng.choices(paths, k=rng.choice((1, 1, 2))):
            case[path] = mutate(case[path], rng, list(files.values()))
        return case

    def run(case):
        load_events(machine("x", "recording", [], None, source("recording", "x", MemoryRoot(case, {}))))

    yield Target("recording", make, run)


def _recording():
    if os.geteuid() != 0:
        return {}
    from tophalf.cli.main import main
    from tophalf.host.archive import read_archive, unpack_stream

    quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with tempfile.TemporaryDirectory() as folder, quiet[0], quiet[1]:
        if main(["record", f"{folder}/r.tar", "--seconds", "0.3"]) != 0:
            return {}
        files, _, _ = read_archive(unpack_stream(f"{folder}/r.tar"), "r")
    return {path[path.index("/trace/") :]: data for path, data in files.items() if "/trace/" in path and len(data) < 300_000}


def command_targets(machines):
    """Whole commands on a spoilt MACHINE: a tar (spoilt inside or as a whole), a directory, a trace."""
    tars = [_file(f"{HOSTS}/{name}.tar.xz") for name in ("cpu0", "nvme")]
    plain = [_unpacked(data)[:400_000] for data in tars]
    traces = [_file(f"{TRACES}/{name}") for name in ("works-6.12.dat", "flood-6.1.dat")] + [_text_trace()]

    def machine(rng):
        if rng.random() < 0.5:
            return {"machine.tar": mutate(rng.choice(plain + tars), rng, plain)}
        files, links = rng.choice(machines)
        files = dict(files)
        for path in rng.choices(list(files), k=3):
            files[path] = mutate(files[path], rng, list(files.values()))
        return {"machine.tar": tar_of([("m/000.000", files, links), ("m/001.000", files, links)])}

    def trace(rng):
        return {"x.dat": mutate(rng.choice(traces), rng, traces)}

    for words in (("irqs", "--json"), ("irqs", "--all"), ("cpus",), ("check", "--json"), ("affinity", "*", "--machine")):
        yield _command(words, machine, "machine.tar")
    yield _command(("diff", "MACHINE"), machine, "machine.tar")
    for words in (("trace",), ("laws",), ("check",), ("trace", "--events"), ("trace", "--json")):
        yield _command(words, trace, "x.dat")


def _command(words, make, file):
    def run(case):
        from tophalf.cli.main import main

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, file)
            with open(path, "wb") as out:
                out.write(case[file])
            said, failed = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(failed):
                status = main([*(path if word == "MACHINE" else word for word in words), path])
        if status not in (0, 1, 2) or (status == 2) != bool(failed.getvalue()) or failed.getvalue().count("\n") > 1:
            raise AssertionError(f"status {status}, standard error {failed.getvalue()[:300]!r}")

    return Target("command-" + "-".join(word.strip("-*") or "all" for word in words) + "-" + file, make, run)


def tar_of(roots):
    """A tar of [(folder, files, links)]."""
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder, files, links in roots:
            for path, data in files.items():
                member = tarfile.TarInfo(folder + path)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            for path, target in links.items():
                member = tarfile.TarInfo(folder + path)
                member.type, member.linkname = tarfile.SYMTYPE, target
                tar.addfile(member)
    return out.getvalue()


def _unpacked(data):
    import lzma

    return lzma.decompress(data)


def _file(path):
    with open(path, "rb") as file:
        return file.read()
