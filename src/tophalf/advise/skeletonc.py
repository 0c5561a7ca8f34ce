"""Skeletons of drivers in the kernel's C, a text for each mechanism: the calls in their order, and in remove the reverse.

Read against Linux 6.12's headers; they are no module that compiles. Leaves out: the bus, registers, errors of allocation.
"""

from tophalf.advise.mechanisms import BH_WORK, HARDIRQ, NAPI, SOFTIRQ, TASKLET, THREAD, WORKQUEUE

_TOP = """/* @TITLE@ */
static irqreturn_t mydev_irq(int irq, void *data)
{
	struct mydev *dev = data;

	if (!(readl(dev->regs + STATUS) & READY))
		return IRQ_NONE;			/* the line may be shared */
	writel(READY, dev->regs + STATUS);		/* acknowledge: a level line would fire again */
"""

_REQUEST = '	return request_irq(dev->irq, mydev_irq, 0, "mydev", dev);\n'

_HARDIRQ = _TOP + """	/* the work: interrupts are off */
	return IRQ_HANDLED;
}

/* probe */
""" + _REQUEST + """
/* remove */
	free_irq(dev->irq, dev);
"""

_THREAD = _TOP + """	return IRQ_WAKE_THREAD;
}

static irqreturn_t mydev_thread(int irq, void *data)
{
	struct mydev *dev = data;

@BODY@	return IRQ_HANDLED;
}

/* probe */
@INIT@	return request_threaded_irq(dev->irq, mydev_irq, mydev_thread, IRQF_ONESHOT, "mydev", dev);

/* remove */
	free_irq(dev->irq, dev);			/* waits for the thread */
"""

_BLOCK = _TOP + """	/* for each request that the device has finished: */
	if (likely(!blk_should_fake_timeout(rq->q)))
		blk_mq_complete_request(rq);		/* here, by IPI, or in the softirq BLOCK: it knows */
	return IRQ_HANDLED;
}

static void mydev_complete_rq(struct request *rq)	/* blk_mq_ops.complete */
{
	/* the work */
	blk_mq_end_request(rq, BLK_STS_OK);
}

/* probe */
""" + _REQUEST + """
/* remove */
	free_irq(dev->irq, dev);
"""

_CORE = """/* @TITLE@: a vector of its own in enum (include/linux/interrupt.h), which maintainers do not give lightly */
static void mysub_action(void)				/* several CPUs may be here at a time */
{
	/* the work of this CPU: this_cpu_ptr(&mysub_queue) */
}

/* init */
	open_softirq(MYSUB_SOFTIRQ, mysub_action);

/* from a handler */
	raise_softirq(MYSUB_SOFTIRQ);			/* marks this CPU only */
"""

_NAPI = _TOP + """	mydev_mask(dev);				/* no more interrupts while it is polled */
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

/* probe */
	netif_napi_add(dev->netdev, &dev->napi, mydev_poll);
	napi_enable(&dev->napi);
""" + _REQUEST + """
/* remove */
	free_irq(dev->irq, dev);
	napi_disable(&dev->napi);
	netif_napi_del(&dev->napi);
"""

_TASKLET = _TOP + """	tasklet_schedule(&dev->tasklet);
	return IRQ_HANDLED;
}

static void mydev_tasklet(struct tasklet_struct *t)
{
	struct mydev *dev = from_tasklet(dev, t, tasklet);

	/* the work: it may not sleep */
}

/* probe */
	tasklet_setup(&dev->tasklet, mydev_tasklet);
""" + _REQUEST + """
/* remove */
	free_irq(dev->irq, dev);			/* first who schedules it, then the tasklet */
	tasklet_kill(&dev->tasklet);
"""

_BH_WORK = _TOP + """	queue_work(system_bh_wq, &dev->work);
	return IRQ_HANDLED;
}

static void mydev_work(struct work_struct *work)
{
	struct mydev *dev = container_of(work, struct mydev, work);

	/* the work: a softirq, it may not sleep */
}

/* probe */
	INIT_WORK(&dev->work, mydev_work);
""" + _REQUEST + """
/* remove */
	free_irq(dev->irq, dev);			/* first who queues it, then the work */
	cancel_work_sync(&dev->work);
"""

_WORKQUEUE = _TOP + """	queue_work(dev->wq, &dev->work);
	return IRQ_HANDLED;
}

static void mydev_work(struct work_struct *work)
{
	struct mydev *dev = container_of(work, struct mydev, work);

@BODY@}

/* probe */
@INIT@	INIT_WORK(&dev->work, mydev_work);
	dev->wq = alloc_workqueue("mydev", @FLAGS@, 0);
	if (!dev->wq)
		return -ENOMEM;
""" + _REQUEST + """
/* remove */
	free_irq(dev->irq, dev);			/* first who queues it, then the work */
	cancel_work_sync(&dev->work);
	destroy_workqueue(dev->wq);
"""

SKELETONS = {
    HARDIRQ: _HARDIRQ, THREAD: _THREAD, SOFTIRQ: _BLOCK, NAPI: _NAPI, TASKLET: _TASKLET, BH_WORK: _BH_WORK, WORKQUEUE: _WORKQUEUE,
}  # fmt: skip
CORE = _CORE

SLEEPING = "	mutex_lock(&dev->lock);\n	/* the work: it may sleep */\n	mutex_unlock(&dev->lock);\n"
AWAKE = "	/* the work: it may sleep, should it ever have to */\n"
INIT_LOCK = "	mutex_init(&dev->lock);\n"
