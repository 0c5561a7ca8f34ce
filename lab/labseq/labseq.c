// SPDX-License-Identifier: GPL-2.0
/*
 * labseq: short sequences of interrupts, softirqs, tasklets, timers, NAPI and work items, played as ordered.
 *
 * One file, /sys/module/labseq/parameters/play.  What is written to it is a sequence; the write returns when it is over.
 * Lines of a letter and numbers (lab/sequences/kernel.py writes them):
 *   c WHAT INDEX A B C   settings: enum setting
 *   p KIND INDEX         a program begins: what this task, handler, tasklet ... does.  enum kind
 *   o OP A B             one instruction of it.  enum op
 * Every instruction is a plain call of the kernel's.  Lines are those of QEMU's "edu" devices, so interrupts are real
 * ones.  Between the words "labseq begin" and "labseq end" in the trace lies the sequence and nothing of its making.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <uapi/linux/sched/types.h>

#define EDU_STATUS 0x24
#define EDU_RAISE  0x60
#define EDU_ACK    0x64

#define LINES    4
#define TASKS    8
#define TASKLETS 4
#define WORKS    8
#define QUEUES   4
#define WORKERS  6	/* that each pool of workers has at least */
#define TIMERS   2
#define NAPIS    2
#define POLLS    16
#define FLAGS    32
#define INDEXES  16
#define OPS_MAX  512
#define WAIT_NS  (2 * NSEC_PER_SEC)	/* what did not come in this time never will */

enum kind { TASK, HANDLER, THREAD, TASKLET, WORK, TIMER, HRTIMER, NAPI, SOFTIRQ, KINDS };
enum setting { SET_LINE, SET_TASK, SET_QUEUE, SET_WORK, SET_SETTLE_MS, SET_POLL };
/* of SET_LINE */
#define LINE_INTX	1
#define LINE_THREADED	2
#define LINE_ONESHOT	4
#define LINE_DEFAULT	8	/* no handler of its own: the kernel's wakes the thread */
/* of SET_QUEUE: made with flags and max_active, or one of the system's */
enum queue { QUEUE_MADE, QUEUE_SYSTEM, QUEUE_HIGHPRI, QUEUE_UNBOUND, QUEUE_BH, QUEUE_BH_HIGHPRI, QUEUE_ORDERED };

enum op {
	OP_END, OP_SPEND, OP_RET, OP_TIMES, OP_ONCE, OP_SIGNAL, OP_AWAIT, OP_FIRE, OP_SEND, OP_ACK, OP_MINE,
	OP_RAISE, OP_TASKLET, OP_TASKLET_HI, OP_TASKLET_DISABLE, OP_TASKLET_ENABLE,
	OP_BH_OFF, OP_BH_ON, OP_IRQS_OFF, OP_IRQS_ON, OP_PREEMPT_OFF, OP_PREEMPT_ON,
	OP_WAKE, OP_BLOCK, OP_SLEEP, OP_DISABLE_IRQ, OP_ENABLE_IRQ, OP_AFFINITY,
	OP_QUEUE, OP_QUEUE_ON, OP_DELAY, OP_MOD_DELAY, OP_CANCEL, OP_CANCEL_SYNC, OP_FLUSH, OP_FLUSH_QUEUE,
	OP_TIMER, OP_HRTIMER, OP_HRTIMER_SOFT, OP_NAPI, OP_RX, OP_COND_RESCHED, OP_TASKLET_KILL, OP_SYNCHRONIZE,
};

struct op_line { int op, a, b; };

static struct op_line ops[OPS_MAX];
static int op_count, starts[KINDS][INDEXES];
static bool going, warming, failed;
static int flags[FLAGS], counters[FLAGS], settle_ms;
static atomic_t tasks_done;

struct line {
	struct pci_dev *pdev;
	void __iomem *bar;
	int irq, cpu, settings, hits, thread_hits;
	bool used;
};
static struct line lines[LINES];
static int line_count;
static const char *const line_names[LINES] = { "seq0", "seq1", "seq2", "seq3" };

static struct { struct task_struct *task; int cpu, priority; bool used, asleep, ready; } tasks[TASKS];
static struct { struct workqueue_struct *wq; int flags, max_active; bool made, ordered; } queues[QUEUES];
static struct delayed_work works[WORKS];
static int work_queue[WORKS];
static struct tasklet_struct tasklets[TASKLETS];
static struct timer_list timers[TIMERS];
static struct hrtimer hrtimers[TIMERS];
static struct napi_struct napis[NAPIS];
/* what each poll finds; the last again and again */
static struct { int found[POLLS], count, next; } polls[NAPIS];
static struct net_device *napi_dev;

/* what no module may call: found by name */
static unsigned long (*find_symbol)(const char *name);
static void (*the_raise_softirq)(unsigned int vector);
static struct softirq_action *the_softirq_vec, saved_vec[NR_SOFTIRQS];

static int play_program(int kind, int index, int otherwise);

static void give_up(const char *what, int number)
{
	if (!xchg(&failed, true))
		pr_err("labseq: waited in vain for %s %d\n", what, number);
}

/* watch the clock: udelay() counts loops, which an emulator makes far too few */
static void spend(int us)
{
	u64 end_ns = ktime_get_ns() + 1000ull * us;

	while (ktime_get_ns() < end_ns)
		cpu_relax();
}

static void spin_until(int *word, int value, const char *what, int number)
{
	u64 end_ns = ktime_get_ns() + WAIT_NS;

	while (smp_load_acquire(word) == value && !READ_ONCE(failed))
		if (ktime_get_ns() > end_ns)
			give_up(what, number);
}

static void fire(struct line *line, bool wait)
{
	int hits = READ_ONCE(line->hits);

	writel(1, line->bar + EDU_RAISE);
	if (wait)
		spin_until(&line->hits, hits, "the handler of line", line - lines);
}

static void acknowledge(struct line *line)
{
	writel(readl(line->bar + EDU_STATUS), line->bar + EDU_ACK);
}

static int receive(int index, int budget)
{
	int work = polls[index].found[polls[index].next];

	if (polls[index].next + 1 < polls[index].count)
		polls[index].next++;
	if (work < budget)
		napi_complete_done(&napis[index], work);
	return work;
}

static struct workqueue_struct *queue_of(int work)
{
	return queues[work_queue[work]].wq;
}

static void play_work(int op, int a, int b)
{
	struct work_struct *work = &works[a].work;

	switch (op) {
	case OP_QUEUE: queue_work(queue_of(a), work); break;
	case OP_QUEUE_ON: queue_work_on(b, queue_of(a), work); break;
	case OP_DELAY: queue_delayed_work(queue_of(a), &works[a], b); break;
	case OP_MOD_DELAY: mod_delayed_work(queue_of(a), &works[a], b); break;
	case OP_CANCEL: cancel_delayed_work(&works[a]); break;
	case OP_CANCEL_SYNC: cancel_delayed_work_sync(&works[a]); break;
	case OP_FLUSH: flush_work(work); break;
	case OP_FLUSH_QUEUE: flush_workqueue(queues[a].wq); break;
	}
}

static void play_line(int op, int a, int b)
{
	switch (op) {
	case OP_FIRE: fire(&lines[a], true); break;
	case OP_SEND: fire(&lines[a], false); break;
	case OP_ACK: acknowledge(&lines[a]); break;
	case OP_DISABLE_IRQ: disable_irq_nosync(lines[a].irq); break;
	case OP_ENABLE_IRQ: enable_irq(lines[a].irq); break;
	case OP_AFFINITY: irq_set_affinity(lines[a].irq, cpumask_of(b)); break;
	case OP_SYNCHRONIZE: synchronize_irq(lines[a].irq); break;
	}
}

static void play_bottom_half(int op, int a, int b)
{
	switch (op) {
	case OP_RAISE: the_raise_softirq(a); break;
	case OP_TASKLET: tasklet_schedule(&tasklets[a]); break;
	case OP_TASKLET_HI: tasklet_hi_schedule(&tasklets[a]); break;
	case OP_TASKLET_DISABLE: tasklet_disable_nosync(&tasklets[a]); break;
	case OP_TASKLET_ENABLE: tasklet_enable(&tasklets[a]); break;
	case OP_TASKLET_KILL: tasklet_kill(&tasklets[a]); break;
	case OP_BH_OFF: local_bh_disable(); break;
	case OP_BH_ON: local_bh_enable(); break;
	case OP_TIMER: mod_timer(&timers[a], jiffies + b); break;
	case OP_HRTIMER: hrtimer_start(&hrtimers[a], ns_to_ktime(1000ull * b), HRTIMER_MODE_REL_PINNED_HARD); break;
	case OP_HRTIMER_SOFT: hrtimer_start(&hrtimers[a], ns_to_ktime(1000ull * b), HRTIMER_MODE_REL_PINNED_SOFT); break;
	case OP_NAPI: napi_schedule(&napis[a]); break;
	}
}

static void play_task(int op, int a)
{
	ktime_t time;

	switch (op) {
	case OP_IRQS_OFF: local_irq_disable(); break;
	case OP_IRQS_ON: local_irq_enable(); break;
	case OP_PREEMPT_OFF: preempt_disable(); break;
	case OP_PREEMPT_ON: preempt_enable(); break;
	case OP_WAKE: wake_up_process(tasks[a].task); break;
	case OP_COND_RESCHED: cond_resched(); break;
	case OP_BLOCK:
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
		break;
	case OP_SLEEP:
		time = ns_to_ktime(1000ull * a);
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_hrtimeout(&time, HRTIMER_MODE_REL);
		break;
	}
}

/* the number that OP_RET says, or `otherwise` at the end; what OP_RX received */
static int play_program(int kind, int index, int otherwise)
{
	struct op_line *line = &ops[starts[kind][index]];

	if (starts[kind][index] < 0)
		return otherwise;
	for (; line->op != OP_END && !READ_ONCE(failed); line++) {
		switch (line->op) {
		case OP_SPEND: spend(line->a); break;
		case OP_RET: return line->a;
		case OP_TIMES:
			if (counters[line->a] >= line->b)
				return otherwise;
			counters[line->a]++;
			break;
		case OP_ONCE:	/* the next one is done the first time only */
			if (counters[line->a]++)
				line++;
			break;
		case OP_SIGNAL: smp_store_release(&flags[line->a], 1); break;
		case OP_AWAIT: spin_until(&flags[line->a], 0, "flag", line->a); break;
		case OP_MINE:
			if (!readl(lines[line->a].bar + EDU_STATUS))
				return IRQ_NONE;
			break;
		case OP_RX: return receive(index, otherwise);
		default:
			play_line(line->op, line->a, line->b);
			play_bottom_half(line->op, line->a, line->b);
			play_work(line->op, line->a, line->b);
			play_task(line->op, line->a);
		}
	}
	return otherwise;
}

/* Callbacks.  A function for each object: the trace tells them apart by the function's name. */

#define TASKLET_FUNCTION(n) static void seq_tasklet##n(struct tasklet_struct *t) { play_program(TASKLET, n, 0); }
TASKLET_FUNCTION(0) TASKLET_FUNCTION(1) TASKLET_FUNCTION(2) TASKLET_FUNCTION(3)
static void (*const tasklet_functions[TASKLETS])(struct tasklet_struct *) = {
	seq_tasklet0, seq_tasklet1, seq_tasklet2, seq_tasklet3 };

#define WORK_FUNCTION(n) static void seq_work##n(struct work_struct *w) { play_program(WORK, n, 0); }
WORK_FUNCTION(0) WORK_FUNCTION(1) WORK_FUNCTION(2) WORK_FUNCTION(3)
WORK_FUNCTION(4) WORK_FUNCTION(5) WORK_FUNCTION(6) WORK_FUNCTION(7)
static void (*const work_functions[WORKS])(struct work_struct *) = {
	seq_work0, seq_work1, seq_work2, seq_work3, seq_work4, seq_work5, seq_work6, seq_work7 };

#define TIMER_FUNCTIONS(n) \
static void seq_timer##n(struct timer_list *t) { play_program(TIMER, n, 0); } \
static enum hrtimer_restart seq_hrtimer##n(struct hrtimer *t) { play_program(HRTIMER, n, 0); return HRTIMER_NORESTART; }
TIMER_FUNCTIONS(0) TIMER_FUNCTIONS(1)
static void (*const timer_functions[TIMERS])(struct timer_list *) = { seq_timer0, seq_timer1 };
static enum hrtimer_restart (*const hrtimer_functions[TIMERS])(struct hrtimer *) = { seq_hrtimer0, seq_hrtimer1 };

static int seq_poll(struct napi_struct *napi, int budget)
{
	return play_program(NAPI, napi - napis, budget);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define SOFTIRQ_FUNCTION(n) static void seq_softirq##n(void) { play_program(SOFTIRQ, n, 0); }
#else
#define SOFTIRQ_FUNCTION(n) static void seq_softirq##n(struct softirq_action *a) { play_program(SOFTIRQ, n, 0); }
#endif
SOFTIRQ_FUNCTION(2) SOFTIRQ_FUNCTION(4) SOFTIRQ_FUNCTION(5)

static irqreturn_t seq_handler(int irq, void *data)
{
	struct line *line = data;
	int result = line->settings & LINE_THREADED ? IRQ_WAKE_THREAD : IRQ_HANDLED;

	if (READ_ONCE(warming)) {
		if (!readl(line->bar + EDU_STATUS))
			return IRQ_NONE;
		acknowledge(line);
	} else {
		result = play_program(HANDLER, line - lines, result);
		if (result == IRQ_NONE)
			return IRQ_NONE;
	}
	smp_store_release(&line->hits, line->hits + 1);
	return result;
}

static irqreturn_t seq_thread(int irq, void *data)
{
	struct line *line = data;

	if (READ_ONCE(warming))
		acknowledge(line);
	else
		play_program(THREAD, line - lines, 0);
	smp_store_release(&line->thread_hits, line->thread_hits + 1);
	return IRQ_HANDLED;
}

static int seq_task(void *data)
{
	long number = (long)data;

	WRITE_ONCE(tasks[number].ready, true);
	if (tasks[number].asleep)
		play_task(OP_BLOCK, 0);
	while (!READ_ONCE(going) && !kthread_should_stop())
		cpu_relax();
	if (READ_ONCE(going))
		play_program(TASK, number, 0);
	atomic_inc(&tasks_done);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Reading an order */

static int settle(int what, int index, int a, int b, int c)
{
	if (index < 0 || index >= INDEXES)
		return -EINVAL;
	switch (what) {
	case SET_LINE:
		if (index >= line_count)
			return -ENODEV;
		lines[index].used = true;
		lines[index].cpu = a;
		lines[index].settings = b;
		return 0;
	case SET_TASK:
		if (index >= TASKS)
			return -EINVAL;
		tasks[index].used = true;
		tasks[index].cpu = a;
		tasks[index].priority = b;
		tasks[index].asleep = c;
		return 0;
	case SET_QUEUE:
		if (index >= QUEUES)
			return -EINVAL;
		queues[index].made = a == QUEUE_MADE || a == QUEUE_ORDERED;
		queues[index].ordered = a == QUEUE_ORDERED;
		queues[index].flags = b;
		queues[index].max_active = c;
		queues[index].wq = a == QUEUE_SYSTEM ? system_wq : a == QUEUE_HIGHPRI ? system_highpri_wq : system_unbound_wq;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
		if (a == QUEUE_BH || a == QUEUE_BH_HIGHPRI)
			queues[index].wq = a == QUEUE_BH ? system_bh_wq : system_bh_highpri_wq;
#endif
		return 0;
	case SET_WORK:
		if (index >= WORKS || a < 0 || a >= QUEUES)
			return -EINVAL;
		work_queue[index] = a;
		return 0;
	case SET_POLL:
		if (index >= NAPIS || polls[index].count >= POLLS)
			return -EINVAL;
		polls[index].found[polls[index].count++] = a;
		return 0;
	case SET_SETTLE_MS:
		settle_ms = a;
		return 0;
	}
	return -EINVAL;
}

static int add_op(int op, int a, int b)
{
	if (op_count >= OPS_MAX)
		return -E2BIG;
	ops[op_count++] = (struct op_line){ op, a, b };
	return 0;
}

static int read_line(char *text)
{
	int n[5] = {}, count = sscanf(text + 1, "%d %d %d %d %d", n, n + 1, n + 2, n + 3, n + 4);
	int error;

	if (count < 1)
		return text[0] && text[0] != '\n' ? -EINVAL : 0;
	switch (text[0]) {
	case 'c':
		return settle(n[0], n[1], n[2], n[3], n[4]);
	case 'o':
		return add_op(n[0], n[1], n[2]);
	case 'p':
		if (n[0] < 0 || n[0] >= KINDS || n[1] < 0 || n[1] >= INDEXES)
			return -EINVAL;
		error = add_op(OP_END, 0, 0);
		starts[n[0]][n[1]] = op_count;
		return error;
	}
	return -EINVAL;
}

static int read_order(const char *value)
{
	char *text = kstrdup(value, GFP_KERNEL), *rest = text, *line;
	int error = text ? 0 : -ENOMEM;

	memset(starts, -1, sizeof(starts));
	op_count = 0;
	while (!error && (line = strsep(&rest, "\n")))
		error = read_line(line);
	kfree(text);
	return error ?: add_op(OP_END, 0, 0);
}

/* Before and after */

static void forget(void)
{
	int i;

	memset(flags, 0, sizeof(flags));
	memset(counters, 0, sizeof(counters));
	memset(polls, 0, sizeof(polls));
	memset(tasks, 0, sizeof(tasks));
	memset(queues, 0, sizeof(queues));
	memset(work_queue, 0, sizeof(work_queue));
	for (i = 0; i < LINES; i++)
		lines[i].used = false;
	atomic_set(&tasks_done, 0);
	going = failed = false;
	settle_ms = 10;
}

static int request_line(struct line *line)
{
	bool threaded = line->settings & LINE_THREADED, intx = line->settings & LINE_INTX;
	int error = pci_alloc_irq_vectors(line->pdev, 1, 1, intx ? BIT(0) /* INTx, whatever its name */ : PCI_IRQ_MSI);

	if (error < 0)
		return error;
	line->irq = pci_irq_vector(line->pdev, 0);
	error = request_threaded_irq(line->irq, line->settings & LINE_DEFAULT ? NULL : seq_handler, threaded ? seq_thread : NULL,
				     (intx ? IRQF_SHARED : 0) | (line->settings & LINE_ONESHOT ? IRQF_ONESHOT : 0),
				     line_names[line - lines], line);
	if (error)
		pci_free_irq_vectors(line->pdev);
	return error;
}

/* An interrupt moves a line to the CPU asked for, and a thread with it: two, before the sequence begins. */
static void warm(struct line *line)
{
	int i, before, *count = line->settings & LINE_THREADED ? &line->thread_hits : &line->hits;

	irq_set_affinity(line->irq, cpumask_of(line->cpu));
	for (i = 0; i < 3; i++) {
		before = READ_ONCE(*count);
		writel(1, line->bar + EDU_RAISE);
		spin_until(count, before, "the first interrupts of line", line - lines);
		usleep_range(200, 300);
	}
}

static int prepare_lines(void)
{
	int i, error = 0;

	WRITE_ONCE(warming, true);
	for (i = 0; i < LINES && !error; i++)
		if (lines[i].used)
			error = request_line(&lines[i]);
	if (error) {
		lines[i - 1].used = false;
		for (; i < LINES; i++)
			lines[i].used = false;
	}
	for (i = 0; i < LINES && !error; i++)
		if (lines[i].used)
			warm(&lines[i]);
	WRITE_ONCE(warming, false);
	return error;
}

static void prepare_objects(void)
{
	int i;

	for (i = 0; i < TASKLETS; i++)
		tasklet_setup(&tasklets[i], tasklet_functions[i]);
	for (i = 0; i < WORKS; i++)
		INIT_DELAYED_WORK(&works[i], work_functions[i]);
	for (i = 0; i < TIMERS; i++) {
		timer_setup(&timers[i], timer_functions[i], TIMER_PINNED);
		hrtimer_init(&hrtimers[i], CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
		hrtimers[i].function = hrtimer_functions[i];
	}
	for (i = 0; i < op_count; i++)
		if (ops[i].op == OP_HRTIMER_SOFT) {
			hrtimer_init(&hrtimers[ops[i].a], CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
			hrtimers[ops[i].a].function = hrtimer_functions[ops[i].a];
		}
	memcpy(saved_vec, the_softirq_vec, sizeof(saved_vec));
	if (starts[SOFTIRQ][NET_TX_SOFTIRQ] >= 0)
		the_softirq_vec[NET_TX_SOFTIRQ].action = seq_softirq2;
	if (starts[SOFTIRQ][BLOCK_SOFTIRQ] >= 0)
		the_softirq_vec[BLOCK_SOFTIRQ].action = seq_softirq4;
	if (starts[SOFTIRQ][IRQ_POLL_SOFTIRQ] >= 0)
		the_softirq_vec[IRQ_POLL_SOFTIRQ].action = seq_softirq5;
}

static int prepare_queues(void)
{
	int i;

	for (i = 0; i < QUEUES; i++)
		if (queues[i].made) {
			if (queues[i].ordered)
				queues[i].wq = alloc_ordered_workqueue("seq%d", queues[i].flags, i);
			else
				queues[i].wq = alloc_workqueue("seq%d", queues[i].flags, queues[i].max_active, i);
			if (!queues[i].wq)
				return -ENOMEM;
		}
	return 0;
}

static int prepare_task(long number)
{
	struct sched_attr attributes = { .size = sizeof(attributes), .sched_policy = SCHED_FIFO };
	struct task_struct *task = kthread_create(seq_task, (void *)number, "seq-task%ld", number);
	u64 end_ns = ktime_get_ns() + WAIT_NS;

	if (IS_ERR(task))
		return PTR_ERR(task);
	tasks[number].task = task;
	kthread_bind(task, tasks[number].cpu);
	attributes.sched_priority = tasks[number].priority;
	if (tasks[number].priority)
		sched_setattr_nocheck(task, &attributes);
	wake_up_process(task);
	while (!READ_ONCE(tasks[number].ready) && ktime_get_ns() < end_ns)
		usleep_range(100, 200);
	return 0;
}

/* those that sleep first, for who spins keeps its CPU */
static int prepare_tasks(void)
{
	int i, asleep, error = 0;

	for (asleep = 1; asleep >= 0; asleep--) {
		for (i = 0; i < TASKS && !error; i++)
			if (tasks[i].used && tasks[i].asleep == asleep)
				error = prepare_task(i);
		usleep_range(2000, 3000);
	}
	return error;
}

static int tasks_used(void)
{
	int i, count = 0;

	for (i = 0; i < TASKS; i++)
		count += tasks[i].used;
	return count;
}

static int play(void)
{
	u64 end_ns = ktime_get_ns() + WAIT_NS;

	trace_printk("labseq begin\n");
	smp_store_release(&going, true);
	while (atomic_read(&tasks_done) < tasks_used() && !READ_ONCE(failed) && ktime_get_ns() < end_ns)
		usleep_range(500, 700);
	msleep(settle_ms);
	trace_printk("labseq end\n");
	return failed || atomic_read(&tasks_done) < tasks_used() ? -ETIMEDOUT : 0;
}

static void clean_up(void)
{
	int i;

	WRITE_ONCE(failed, true);	/* whoever spins ends */
	for (i = 0; i < TASKS; i++)
		if (tasks[i].task)
			kthread_stop(tasks[i].task);
	for (i = 0; i < LINES; i++)
		if (lines[i].used) {
			acknowledge(&lines[i]);
			free_irq(lines[i].irq, &lines[i]);
			pci_free_irq_vectors(lines[i].pdev);
		}
	for (i = 0; i < TIMERS; i++) {
		del_timer_sync(&timers[i]);
		hrtimer_cancel(&hrtimers[i]);
	}
	for (i = 0; i < TASKLETS; i++) {
		atomic_set(&tasklets[i].count, 0);
		tasklet_kill(&tasklets[i]);
	}
	for (i = 0; i < WORKS; i++)
		cancel_delayed_work_sync(&works[i]);
	for (i = 0; i < QUEUES; i++)
		if (queues[i].made && queues[i].wq)
			destroy_workqueue(queues[i].wq);
	memcpy(the_softirq_vec, saved_vec, sizeof(saved_vec));
}

static int told(const char *what, int error)
{
	if (error)
		pr_err("labseq: %s cannot be had: %d\n", what, error);
	return error;
}

static DEFINE_MUTEX(play_lock);

static int set_play(const char *value, const struct kernel_param *kp)
{
	int error;

	mutex_lock(&play_lock);
	forget();
	error = read_order(value);
	if (!error) {
		prepare_objects();
		error = told("lines", prepare_lines()) ?: told("queues", prepare_queues()) ?: told("tasks", prepare_tasks());
		if (!error)
			error = failed ? -ETIMEDOUT : play();
		clean_up();
	}
	mutex_unlock(&play_lock);
	return error;
}
static const struct kernel_param_ops play_ops = { .set = set_play };
module_param_cb(play, &play_ops, NULL, 0200);

static int labseq_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct line *line = &lines[line_count];
	int error = line_count < LINES ? pcim_enable_device(pdev) : -ENOSPC;

	if (error)
		return error;
	pci_set_master(pdev);
	line->bar = pcim_iomap(pdev, 0, 0);
	if (!line->bar)
		return -ENOMEM;
	line->pdev = pdev;
	acknowledge(line);
	line_count++;
	return 0;
}

static const struct pci_device_id labseq_ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };

static struct pci_driver labseq_driver = { .name = "labseq", .id_table = labseq_ids, .probe = labseq_probe };

static void idle_a_while(struct work_struct *work)
{
	msleep(20);
}

/* Let each pool have workers enough, so that none is made within a sequence. */
static void warm_pools(void)
{
	struct workqueue_struct *const wqs[] = { system_wq, system_highpri_wq, system_unbound_wq };
	static struct work_struct sleepers[WORKERS];
	int cpu, i, wq;

	for (i = 0; i < WORKERS; i++)
		INIT_WORK(&sleepers[i], idle_a_while);
	for (wq = 0; wq < ARRAY_SIZE(wqs); wq++)
		for_each_online_cpu(cpu) {
			for (i = 0; i < WORKERS; i++)
				queue_work_on(cpu, wqs[wq], &sleepers[i]);
			for (i = 0; i < WORKERS; i++)
				flush_work(&sleepers[i]);
		}
}

static int find_symbols(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int error = register_kprobe(&probe);

	if (error)
		return error;
	find_symbol = (void *)probe.addr;
	unregister_kprobe(&probe);
	the_raise_softirq = (void *)find_symbol("raise_softirq");
	the_softirq_vec = (void *)find_symbol("softirq_vec");
	return the_raise_softirq && the_softirq_vec ? 0 : -ENOENT;
}

static int __init labseq_init(void)
{
	int i, error = find_symbols();

	if (error)
		return error;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	napi_dev = alloc_netdev_dummy(0);
#else
	napi_dev = kzalloc(sizeof(*napi_dev), GFP_KERNEL);
	if (napi_dev)
		init_dummy_netdev(napi_dev);
#endif
	if (!napi_dev)
		return -ENOMEM;
	strscpy(napi_dev->name, "seq", sizeof(napi_dev->name));
	for (i = 0; i < NAPIS; i++) {
		netif_napi_add(napi_dev, &napis[i], seq_poll);
		napi_enable(&napis[i]);
	}
	warm_pools();
	return pci_register_driver(&labseq_driver);
}
module_init(labseq_init);

static void __exit labseq_exit(void)
{
	int i;

	pci_unregister_driver(&labseq_driver);
	for (i = 0; i < NAPIS; i++) {
		napi_disable(&napis[i]);
		netif_napi_del(&napis[i]);
	}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	free_netdev(napi_dev);
#else
	kfree(napi_dev);
#endif
}
module_exit(labseq_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("plays sequences of interrupts and what follows them, for tests");
