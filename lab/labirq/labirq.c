// SPDX-License-Identifier: GPL-2.0
/*
 * labirq: interrupts made to order, by way of QEMU's "edu" PCI device.
 *
 * Everything is a file in /sys/module/labirq/parameters.
 *
 * Chosen when the module is loaded:
 *   msi            1 (default): one MSI vector.  0: the level triggered INTx line, shared.
 *   threaded       1: the hard handler only wakes a handler thread, which then spends handler_us.
 * Orders, carried out by the writer (a write returns when the order is done):
 *   raise          N: raise N interrupts, each only after the one before it reached the handler, because
 *                  the interrupt controller merges what arrives meanwhile.  So N written is N counted.
 *   kick           N: schedule the tasklets N times from the CPU of the writer, without an interrupt.
 *   queue          N: queue N work items from the CPU of the writer, without an interrupt.
 * Settings read by the handlers:
 *   gap_us         pause after each raised interrupt
 *   handler_us     time spent in the handler (in its thread when threaded)
 *   hold_us        level line only: leave the device unacknowledged this long, saying IRQ_HANDLED: a storm
 *   deny           1: say IRQ_NONE and do not acknowledge: with a level line, "nobody cared"
 *   tasklets       0..4: tasklets scheduled by each interrupt
 *   tasklet_us     time spent in each tasklet
 *   tasklet_repeat how often a tasklet schedules itself again: each time is one more softirq pass
 *   tasklet_hi     1: each tasklet also schedules one of the HI vector, which must wait for the next pass
 *   works          0..16: work items queued by each interrupt
 *   work_us        time spent in each work item
 *   work_on        bound, highpri, unbound, bh (kernels from 6.9)
 * Read only:
 *   handled        calls of the hard handler that found the device asserting
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/* registers of the device: docs/specs/edu in the source of QEMU */
#define EDU_STATUS 0x24
#define EDU_RAISE  0x60
#define EDU_ACK    0x64

#define TASKLETS_MAX 4
#define WORKS_MAX    16
/* an interrupt that did not arrive in this time never will: the order fails instead of hanging */
#define ARRIVAL_MS_MAX 5000

static int msi = 1;
module_param(msi, int, 0444);
static int threaded;
module_param(threaded, int, 0444);
static uint gap_us;
module_param(gap_us, uint, 0644);
static uint handler_us;
module_param(handler_us, uint, 0644);
static uint hold_us;
module_param(hold_us, uint, 0644);
static int deny;
module_param(deny, int, 0644);
static uint tasklets;
module_param(tasklets, uint, 0644);
static uint tasklet_us;
module_param(tasklet_us, uint, 0644);
static uint tasklet_repeat;
module_param(tasklet_repeat, uint, 0644);
static int tasklet_hi;
module_param(tasklet_hi, int, 0644);
static uint works;
module_param(works, uint, 0644);
static uint work_us;
module_param(work_us, uint, 0644);
static char work_on[16] = "bound";
module_param_string(work_on, work_on, sizeof(work_on), 0644);
static ulong handled;
module_param(handled, ulong, 0444);

static void __iomem *bar;
static u64 hold_until_ns;
static atomic_t repeats_left;
static DECLARE_COMPLETION(arrived);
static DEFINE_MUTEX(order_lock);

/* udelay() counts loops and is far off under an emulator, so watch the clock */
static void spend(uint us)
{
	u64 end_ns = ktime_get_ns() + 1000ull * us;

	while (us && ktime_get_ns() < end_ns)
		cpu_relax();
}

static void labirq_hi(struct tasklet_struct *t)
{
	spend(tasklet_us);
}
static DECLARE_TASKLET(hi_tasklet, labirq_hi);

static void labirq_tasklet(struct tasklet_struct *t)
{
	spend(tasklet_us);
	if (tasklet_hi)
		tasklet_hi_schedule(&hi_tasklet);
	if (atomic_dec_if_positive(&repeats_left) >= 0)
		tasklet_schedule(t);
}
static struct tasklet_struct soft[TASKLETS_MAX];

static void labirq_work(struct work_struct *work)
{
	spend(work_us);
}
static struct work_struct items[WORKS_MAX];

static struct workqueue_struct *chosen_queue(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	if (sysfs_streq(work_on, "bh"))
		return system_bh_wq;
#endif
	if (sysfs_streq(work_on, "highpri"))
		return system_highpri_wq;
	if (sysfs_streq(work_on, "unbound"))
		return system_unbound_wq;
	return system_wq;
}

static void schedule_tasklets(uint count)
{
	uint i;

	if (count)
		atomic_set(&repeats_left, tasklet_repeat);
	for (i = 0; i < count && i < TASKLETS_MAX; i++)
		tasklet_schedule(&soft[i]);
}

static void queue_works(uint count)
{
	uint i;

	for (i = 0; i < count && i < WORKS_MAX; i++)
		queue_work(chosen_queue(), &items[i]);
}

static void follow_up(void)
{
	spend(handler_us);
	schedule_tasklets(tasklets);
	queue_works(works);
}

static irqreturn_t labirq_handler(int irq, void *dev)
{
	u32 status = readl(bar + EDU_STATUS);

	if (!status)
		return IRQ_NONE;
	handled++;
	if (deny)
		return IRQ_NONE;
	if (ktime_get_ns() < READ_ONCE(hold_until_ns))
		return IRQ_HANDLED;
	writel(status, bar + EDU_ACK);
	if (threaded)
		return IRQ_WAKE_THREAD;
	complete(&arrived);
	follow_up();
	return IRQ_HANDLED;
}

static irqreturn_t labirq_thread(int irq, void *dev)
{
	follow_up();
	complete(&arrived);
	return IRQ_HANDLED;
}

static int raise_one(void)
{
	reinit_completion(&arrived);
	if (hold_us)
		WRITE_ONCE(hold_until_ns, ktime_get_ns() + 1000ull * hold_us);
	writel(1, bar + EDU_RAISE);
	if (deny)
		return 0;
	if (!wait_for_completion_timeout(&arrived, msecs_to_jiffies(ARRIVAL_MS_MAX + hold_us / 1000)))
		return -ETIMEDOUT;
	if (gap_us)
		usleep_range(gap_us, gap_us + gap_us / 8 + 1);
	return signal_pending(current) ? -EINTR : 0;
}

static int kick_one(void)
{
	schedule_tasklets(tasklets);
	if (gap_us)
		usleep_range(gap_us, gap_us + gap_us / 8 + 1);
	return signal_pending(current) ? -EINTR : 0;
}

static int repeat_order(const char *value, int (*order)(void))
{
	uint count;
	int error = kstrtouint(value, 0, &count);

	if (!error && !bar)
		error = -ENODEV;
	mutex_lock(&order_lock);
	while (!error && count--)
		error = order();
	mutex_unlock(&order_lock);
	return error;
}

static int set_raise(const char *value, const struct kernel_param *kp)
{
	return repeat_order(value, raise_one);
}
static const struct kernel_param_ops raise_ops = { .set = set_raise };
module_param_cb(raise, &raise_ops, NULL, 0200);

/* no lock: two writers on two CPUs shall be able to schedule the same tasklet */
static int set_kick(const char *value, const struct kernel_param *kp)
{
	uint count;
	int error = kstrtouint(value, 0, &count);

	while (!error && count--)
		error = kick_one();
	return error;
}
static const struct kernel_param_ops kick_ops = { .set = set_kick };
module_param_cb(kick, &kick_ops, NULL, 0200);

static int set_queue(const char *value, const struct kernel_param *kp)
{
	uint count;
	int error = kstrtouint(value, 0, &count);

	if (!error)
		queue_works(count);
	return error;
}
static const struct kernel_param_ops queue_ops = { .set = set_queue };
module_param_cb(queue, &queue_ops, NULL, 0200);

static int claim_line(struct pci_dev *pdev)
{
	int error = pci_alloc_irq_vectors(pdev, 1, 1, msi ? PCI_IRQ_MSI : BIT(0) /* INTx, whatever its name */);

	if (error < 0)
		return error;
	error = request_threaded_irq(pci_irq_vector(pdev, 0), labirq_handler, threaded ? labirq_thread : NULL,
				     msi ? 0 : IRQF_SHARED, "labirq", pdev);
	if (error)
		pci_free_irq_vectors(pdev);
	return error;
}

static int labirq_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	/* one device; where there are more, they are labseq's */
	int error = bar ? -EBUSY : pcim_enable_device(pdev);

	if (error)
		return error;
	pci_set_master(pdev);
	bar = pcim_iomap(pdev, 0, 0);
	if (!bar)
		return -ENOMEM;
	writel(readl(bar + EDU_STATUS), bar + EDU_ACK);
	error = claim_line(pdev);
	if (error)
		bar = NULL;
	return error;
}

static void labirq_remove(struct pci_dev *pdev)
{
	int i;

	WRITE_ONCE(hold_until_ns, 0);
	writel(~0u, bar + EDU_ACK);
	free_irq(pci_irq_vector(pdev, 0), pdev);
	pci_free_irq_vectors(pdev);
	atomic_set(&repeats_left, 0);
	for (i = 0; i < TASKLETS_MAX; i++)
		tasklet_kill(&soft[i]);
	tasklet_kill(&hi_tasklet);
	for (i = 0; i < WORKS_MAX; i++)
		cancel_work_sync(&items[i]);
	bar = NULL;
}

static const struct pci_device_id labirq_ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };
MODULE_DEVICE_TABLE(pci, labirq_ids);

static struct pci_driver labirq_driver = {
	.name = "labirq",
	.id_table = labirq_ids,
	.probe = labirq_probe,
	.remove = labirq_remove,
};

static int __init labirq_init(void)
{
	int i;

	for (i = 0; i < TASKLETS_MAX; i++)
		tasklet_setup(&soft[i], labirq_tasklet);
	for (i = 0; i < WORKS_MAX; i++)
		INIT_WORK(&items[i], labirq_work);
	return pci_register_driver(&labirq_driver);
}
module_init(labirq_init);

static void __exit labirq_exit(void)
{
	pci_unregister_driver(&labirq_driver);
}
module_exit(labirq_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("raise and mishandle interrupts of QEMU's edu device, for tests");
