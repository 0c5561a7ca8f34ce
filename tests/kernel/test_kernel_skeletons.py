"""What `tophalf defer` prints in C is built as a module against the headers of each kernel, without a warning.

A few lines after it stand for the bus, and for the functions that are left to the driver. The subsystem of the kernel's own, whose
vector no enum has, is compiled only: modules may not open softirqs.
"""

import os
import re
import shutil
from itertools import product

import pytest
from lab.kernels import META, header_tree, releases
from lab.places import LabError, built, call

from tophalf.advise.cases import CASES
from tophalf.advise.limits import BH_WORK_SINCE
from tophalf.advise.mechanisms import BH_WORK, MECHANISMS, SOFTIRQ, allowed
from tophalf.advise.needs import Needs
from tophalf.advise.skeleton import c_skeleton
from tophalf.cli.defer import needs_of_options

OLDEST = (6, 1)
OWN = {  # what the driver would write
    "void mydev_work(struct mydev *dev)": "",
    "void mydev_work(struct request *rq)": "",
    "void mydev_mask(struct mydev *dev)": "",
    "void mydev_unmask(struct mydev *dev)": "",
    "bool mydev_has_packet(struct mydev *dev)": "return false;",
    "struct sk_buff *mydev_receive(struct mydev *dev)": "return NULL;",
    "struct request *mydev_finished(struct mydev *dev)": "return NULL;",
    "blk_status_t mydev_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)": "return BLK_STS_OK;",
}
BUS = """
#include <linux/module.h>

static struct mydev the_one;

static int __init bus_probes(void)
{
	return mydev_probe(&the_one);
}

static void __exit bus_removes(void)
{
	mydev_remove(&the_one);
}

module_init(bus_probes);
module_exit(bus_removes);
MODULE_LICENSE("GPL");
"""


def skeletons(kernel):
    """({text: mechanism} of drivers for this kernel and for 6.1, {the same} of subsystems for this one): of each written case, the
    answer and what else is allowed."""
    drivers, core = {}, {}
    for case, oldest in product(CASES, {kernel, OLDEST}):
        needs = Needs(**needs_of_options(case.options).as_dict() | {"kernel": oldest})
        for mechanism in (each for each, reason in allowed(needs).items() if reason is None):
            if not (needs.core and mechanism == SOFTIRQ):
                drivers[c_skeleton(needs, mechanism)] = mechanism
            elif oldest == kernel:
                core[c_skeleton(needs, mechanism)] = mechanism
    return drivers, core


def kernel_of(release):
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", release).groups()))


def whole(text):
    bodies = [f"\n{head}\n{{\n{body and f'	{body}'}\n}}\n" for head, body in OWN.items() if f"{head};" in text]
    return text + "".join(bodies) + BUS


@pytest.fixture(params=META)
def place(request):
    """(the kernel's headers, its release, an empty folder for sources)."""
    release = releases()[request.param]
    folder = os.path.dirname(built("skeletons", release, "x"))
    shutil.rmtree(folder)
    os.makedirs(folder)
    return header_tree(release), release, folder


def make(headers, folder, *targets):
    """Raises: AssertionError with what the compiler said."""
    try:
        call("make", "-s", "-k", "-j2", "-C", headers, f"M={folder}", "KCFLAGS=-Werror", "CONFIG_DEBUG_INFO_BTF_MODULES=", *targets)
    except LabError as error:
        raise AssertionError(error) from None


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def test_skeletons_are_modules_without_a_warning(place):
    headers, release, folder = place
    texts, _ = skeletons(kernel_of(release))
    names = [f"skeleton{number}" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        write(folder, f"{name}.c", whole(text))
    write(folder, "Kbuild", "".join(f"obj-m += {name}.o\n" for name in names))
    make(headers, folder, "modules")
    assert [name for name in names if not os.path.exists(os.path.join(folder, f"{name}.ko"))] == []
    assert set(texts.values()) == set(MECHANISMS) - ({BH_WORK} if kernel_of(release) < BH_WORK_SINCE else set())


def test_a_softirq_of_the_kernels_own_compiles(place):
    headers, release, folder = place
    _, texts = skeletons(kernel_of(release))
    assert len(texts) == 1
    write(folder, "core.c", "".join(texts))
    write(folder, "Kbuild", "obj-y += core.o\nccflags-y += -DMYSUB_SOFTIRQ=RCU_SOFTIRQ\n")
    make(headers, folder, "core.o")
    assert os.path.exists(os.path.join(folder, "core.o"))


def test_what_does_not_compile_is_told(place):
    headers, _, folder = place
    write(folder, "broken.c", whole("struct mydev { int irq; };\nstatic int mydev_probe(struct mydev *dev) { return tasklet; }\n"))
    write(folder, "Kbuild", "obj-m += broken.o\n")
    with pytest.raises(AssertionError, match=r"tasklet. undeclared"):
        make(headers, folder, "modules")
