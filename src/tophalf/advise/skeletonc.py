"""Skeletons of drivers in the kernel's C, a text for each mechanism: files that compile, from the includes to remove.

tests/kernel builds each against the headers of Debian's kernels. Where kernels differ, @NAME@ is what `spelled` says of one.
What is declared and not defined is the driver's own to write. Leaves out: the bus, which calls probe and remove; registers but one.
"""

from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, NAPI, SOFTIRQ, TASKLET, THREAD, WORKQUEUE

_TITLE = "/* @TITLE@ */\n"
_INCLUDES = """#include <linux/interrupt.h>
#include <linux/io.h>
"""
_DEVICE = """
#define STATUS	0x0
#define READY	0x1

struct mydev {
	void __iomem *regs;
	int irq;
"""
_WORK = """};

void mydev_work(struct mydev *dev);			/* the work: yours to write */
"""
_TOP = """
static irqreturn_t mydev_irq(int irq, void *data)
{
	struct mydev *dev = data;

	if (!(readl(dev->regs + STATUS) & READY))
		return IRQ_NONE;			/* the line may be shared */
	writel(READY, dev->regs + STATUS);		/* acknowledge: a level line would fire again */
"""
_PROBE = """
static int mydev_probe(struct mydev *dev)
{
"""
_REMOVE = """}

static void mydev_remove(struct mydev *dev)
{
"""
_REQUEST = 'request_irq(dev->irq, mydev_irq, 0, "mydev", dev);\n'

_HARDIRQ = _TITLE + _INCLUDES + _DEVICE + _WORK + _TOP + """	mydev_work(dev);				/* interrupts are off */
	return IRQ_HANDLED;
}
""" + _PROBE + "	return " + _REQUEST + _REMOVE + """	free_irq(dev->irq, dev);
}
"""

_THREAD = _TITLE + _INCLUDES + "@INCLUDE@" + _DEVICE + "@FIELD@" + _WORK + _TOP + """	return IRQ_WAKE_THREAD;
}

static irqreturn_t mydev_thread(int irq, void *data)
{
	struct mydev *dev = data;

@BODY@	return IRQ_HANDLED;
}
""" + _PROBE + """@INIT@	return request_threaded_irq(dev->irq, mydev_irq, mydev_thread, IRQF_ONESHOT, "mydev", dev);
""" + _REMOVE + """	free_irq(dev->irq, dev);			/* waits for the thread */
}
"""

_BLOCK = _TITLE + "#include <linux/blk-mq.h>\n" + _INCLUDES + _DEVICE + """	struct blk_mq_tag_set tags;
};

/* yours to write: the next request that the device has finished, or NULL; the work; and handing one to the device */
struct request *mydev_finished(struct mydev *dev);
void mydev_work(struct request *rq);
blk_status_t mydev_queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd);

static void mydev_complete_rq(struct request *rq)
{
	mydev_work(rq);
	blk_mq_end_request(rq, BLK_STS_OK);
}

static const struct blk_mq_ops mydev_mq_ops = {
	.queue_rq = mydev_queue_rq,
	.complete = mydev_complete_rq,
};

static void mydev_complete_all(struct mydev *dev)
{
	struct request *rq;

	while ((rq = mydev_finished(dev)))
@COMPLETE@}
""" + _TOP + """	mydev_complete_all(dev);
	return IRQ_HANDLED;
}
""" + _PROBE + """	int error;

	dev->tags.ops = &mydev_mq_ops;			/* and nr_hw_queues, queue_depth, numa_node */
	error = blk_mq_alloc_tag_set(&dev->tags);
	if (error)
		return error;
	error = """ + _REQUEST + """	if (error)
		blk_mq_free_tag_set(&dev->tags);
	return error;
""" + _REMOVE + """	free_irq(dev->irq, dev);
	blk_mq_free_tag_set(&dev->tags);
}
"""

_CORE = """/* @TITLE@: a vector of its own in enum (include/linux/interrupt.h), which maintainers do not give lightly */
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/percpu.h>

void mysub_raise(void);					/* in the subsystem's header */
void mysub_work(struct list_head *queue);		/* the work: yours to write */

static DEFINE_PER_CPU(struct list_head, mysub_queue);

static void mysub_action(@ACTION@)	/* several CPUs may be here at a time, each with its queue */
{
	mysub_work(this_cpu_ptr(&mysub_queue));
}

void mysub_raise(void)					/* from a handler: marks this CPU only */
{
	raise_softirq(MYSUB_SOFTIRQ);
}

static int __init mysub_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(per_cpu_ptr(&mysub_queue, cpu));
	open_softirq(MYSUB_SOFTIRQ, mysub_action);
	return 0;
}
subsys_initcall(mysub_init);
"""

_NAPI = _TITLE + _INCLUDES + "#include <linux/netdevice.h>\n" + _DEVICE + """	struct net_device *netdev;
	struct napi_struct napi;
};

/* yours to write: the device's own interrupt mask, and a packet off the ring */
void mydev_mask(struct mydev *dev);
void mydev_unmask(struct mydev *dev);
bool mydev_has_packet(struct mydev *dev);
struct sk_buff *mydev_receive(struct mydev *dev);
""" + _TOP + """	mydev_mask(dev);				/* no more interrupts while it is polled */
	napi_schedule(&dev->napi);
	return IRQ_HANDLED;
}

static int mydev_poll(struct napi_struct *napi, int budget)
{
	struct mydev *dev = container_of(napi, struct mydev, napi);
	int done = 0;

	while (done < budget && mydev_has_packet(dev)) {
		napi_gro_receive(napi, mydev_receive(dev));
		done++;
	}
	if (done < budget && napi_complete_done(napi, done))
		mydev_unmask(dev);
	return done;
}
""" + _PROBE + """	int error;

	netif_napi_add(@NAPI_ADD@);
	napi_enable(&dev->napi);
	error = """ + _REQUEST + """	if (error) {
		napi_disable(&dev->napi);
		netif_napi_del(&dev->napi);
	}
	return error;
""" + _REMOVE + """	free_irq(dev->irq, dev);
	napi_disable(&dev->napi);
	netif_napi_del(&dev->napi);
}
"""

_TASKLET = _TITLE + _INCLUDES + _DEVICE + "	struct tasklet_struct tasklet;\n" + _WORK + _TOP + """	tasklet_schedule(&dev->tasklet);
	return IRQ_HANDLED;
}

@TASKLET@	mydev_work(dev);				/* it may not sleep */
}
""" + _PROBE + "	@TASKLET_SETUP@\n	return " + _REQUEST + _REMOVE + """\
	free_irq(dev->irq, dev);			/* first who schedules it, then the tasklet */
	tasklet_kill(&dev->tasklet);
}
"""

_WORK_FUNCTION = """
static void mydev_work_fn(struct work_struct *work)
{
	struct mydev *dev = container_of(work, struct mydev, work);

"""
_WORK_INCLUDES = _TITLE + _INCLUDES + "@INCLUDE@#include <linux/workqueue.h>\n" + _DEVICE
_BH_WORK = (_WORK_INCLUDES + "	struct work_struct work;\n" + _WORK).replace("@INCLUDE@", "") + _TOP + """\
	queue_work(system_bh_wq, &dev->work);
	return IRQ_HANDLED;
}
""" + _WORK_FUNCTION + """	mydev_work(dev);				/* a softirq: it may not sleep */
}
""" + _PROBE + "	INIT_WORK(&dev->work, mydev_work_fn);\n	return " + _REQUEST + _REMOVE + """\
	free_irq(dev->irq, dev);			/* first who queues it, then the work */
	cancel_work_sync(&dev->work);
}
"""

_WORKQUEUE = _WORK_INCLUDES + "	struct workqueue_struct *wq;\n	struct work_struct work;\n@FIELD@" + _WORK + _TOP + """\
	queue_work(dev->wq, &dev->work);
	return IRQ_HANDLED;
}
""" + _WORK_FUNCTION + "@BODY@}\n" + _PROBE + """	int error;

@INIT@	INIT_WORK(&dev->work, mydev_work_fn);
	dev->wq = alloc_workqueue("mydev", @FLAGS@, 0);
	if (!dev->wq)
		return -ENOMEM;
	error = """ + _REQUEST + """	if (error)
		destroy_workqueue(dev->wq);
	return error;
""" + _REMOVE + """	free_irq(dev->irq, dev);			/* first who queues it, then the work */
	cancel_work_sync(&dev->work);
	destroy_workqueue(dev->wq);
}
"""

SKELETONS = {
    HARDIRQ: _HARDIRQ, THREAD: _THREAD, SOFTIRQ: _BLOCK, NAPI: _NAPI, TASKLET: _TASKLET, BH_WORK: _BH_WORK, WORKQUEUE: _WORKQUEUE,
}  # fmt: skip
CORE = _CORE

SLEEPING = "	mutex_lock(&dev->lock);\n	mydev_work(dev);				/* it may sleep */\n	mutex_unlock(&dev->lock);\n"
AWAKE = "	mydev_work(dev);				/* it may sleep, should it ever have to */\n"
INIT_LOCK = "	mutex_init(&dev->lock);\n"
SLEEPING_INCLUDE, SLEEPING_FIELD = "#include <linux/mutex.h>\n", "	struct mutex lock;\n"

_TASKLET_NOW = """static void mydev_tasklet(struct tasklet_struct *t)
{
	struct mydev *dev = from_tasklet(dev, t, tasklet);

"""
_TASKLET_ONCE = """static void mydev_tasklet(unsigned long data)
{
	struct mydev *dev = (struct mydev *)data;

"""
_COMPLETE = "blk_mq_complete_request(rq);		/* here, by IPI, or in the softirq BLOCK: it knows */\n"
# name: (the first kernel that has it so, how it is written there, how before)
_SPELLINGS = {
    # commit b48b89f9c189 "net: drop the weight argument from netif_napi_add"
    "NAPI_ADD": ((6, 1), "dev->netdev, &dev->napi, mydev_poll", "dev->netdev, &dev->napi, mydev_poll, NAPI_POLL_WEIGHT"),
    # commit e68ac2b48849 "softirq: Remove unused 'action' parameter from action callback"
    "ACTION": ((6, 12), "void", "struct softirq_action *action"),
    # commit 12cc923f1ccc "tasklet: Introduce new initialization API"
    "TASKLET": ((5, 9), _TASKLET_NOW, _TASKLET_ONCE),
    "TASKLET_SETUP": ((5, 9), "tasklet_setup(&dev->tasklet, mydev_tasklet);",
                      "tasklet_init(&dev->tasklet, mydev_tasklet, (unsigned long)dev);"),
    # commit 15f73f5b3e59 "blk-mq: move failure injection out of blk_mq_complete_request"
    "COMPLETE": ((5, 9), "		if (likely(!blk_should_fake_timeout(rq->q)))\n			" + _COMPLETE, "		" + _COMPLETE),
}  # fmt: skip


def spelled(kernel):
    """{name: text} of what kernels write differently. kernel: (6, 12), the oldest that the driver must run on."""
    return {name: now if kernel >= since else once for name, (since, now, once) in _SPELLINGS.items()}
