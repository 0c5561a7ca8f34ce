"""The kernel's API as drivers call it: arguments, result, whether it may sleep, what it does to the context it is called in.

A row a function: name, kinds of its arguments (. for none), kind of its result, SLEEPS, and an effect that `effects` knows; - for
none. Kinds of arguments: int, irq, flags, name (a text), dev (a device, or None), condition (an expression that is looked at
again), the kinds of FUNCTIONS (a function of the driver; with ? also None), and the kinds of OBJECTS, which are attributes of a
device (`dev.lock`). Linux 6.12, include/linux: interrupt.h, spinlock.h, mutex.h, workqueue.h, timer.h, hrtimer.h, netdevice.h,
delay.h, completion.h, wait.h, kthread.h.
"""

SLEEPS = "sleeps"
OBJECTS = ("spinlock", "rwlock", "mutex", "tasklet", "work", "delayed_work", "timer", "hrtimer", "napi", "workqueue", "waitqueue",
           "completion", "task", "atomic", "percpu")  # fmt: skip
# What kernel calls, and how many arguments it hands over
FUNCTIONS = {"irq_handler": 2, "irq_thread": 2, "tasklet_fn": 1, "work_fn": 1, "timer_fn": 1, "hrtimer_fn": 1, "poll_fn": 2,
             "softirq_fn": 0, "thread_fn": 1}  # fmt: skip

_ROWS = """
request_irq              irq irq_handler flags name dev           int     sleeps  request_irq
request_threaded_irq     irq irq_handler? irq_thread? flags name dev int  sleeps  request_threaded_irq
free_irq                 irq dev                                  -       sleeps  free_irq
enable_irq               irq                                      -       -       irq_use
disable_irq              irq                                      -       sleeps  wait_irq
disable_irq_nosync       irq                                      -       -       irq_use
synchronize_irq          irq                                      -       sleeps  wait_irq
irq_set_affinity         irq int                                  int     -       irq_use
irq_set_affinity_hint    irq int                                  int     -       irq_use
open_softirq             int softirq_fn                           -       -       -
raise_softirq            int                                      -       -       -
raise_softirq_irqoff     int                                      -       -       -
local_bh_disable         .                                        -       -       bh_off
local_bh_enable          .                                        -       -       bh_on
tasklet_setup            tasklet tasklet_fn                       -       -       -
tasklet_schedule         tasklet                                  -       -       schedule
tasklet_hi_schedule      tasklet                                  -       -       schedule
tasklet_disable          tasklet                                  -       sleeps  -
tasklet_disable_nosync   tasklet                                  -       -       -
tasklet_enable           tasklet                                  -       -       -
tasklet_kill             tasklet                                  -       sleeps  wait_object
from_tasklet             tasklet                                  dev     -       -
alloc_workqueue          name flags int                           workqueue sleeps -
alloc_ordered_workqueue  name flags                               workqueue sleeps -
destroy_workqueue        workqueue                                -       sleeps  wait_workqueue
INIT_WORK                work work_fn                             -       -       -
INIT_DELAYED_WORK        delayed_work work_fn                     -       -       -
queue_work               workqueue work                           int     -       schedule
queue_work_on            int workqueue work                       int     -       schedule
schedule_work            work                                     int     -       schedule
queue_delayed_work       workqueue delayed_work int               int     -       schedule_in
schedule_delayed_work    delayed_work int                         int     -       schedule_in
mod_delayed_work         workqueue delayed_work int               int     -       schedule_in
cancel_work_sync         work                                     int     sleeps  wait_object
cancel_delayed_work      delayed_work                             int     -       -
cancel_delayed_work_sync delayed_work                             int     sleeps  wait_object
flush_work               work                                     int     sleeps  wait_object
flush_delayed_work       delayed_work                             int     sleeps  wait_object
flush_workqueue          workqueue                                -       sleeps  wait_workqueue
drain_workqueue          workqueue                                -       sleeps  wait_workqueue
container_of             work                                     dev     -       -
netif_napi_add           napi poll_fn                             -       -       -
napi_enable              napi                                     -       -       -
napi_disable             napi                                     -       sleeps  wait_object
napi_schedule            napi                                     int     -       -
napi_complete_done       napi int                                 int     -       -
timer_setup              timer timer_fn int                       -       -       -
mod_timer                timer int                                int     -       -
timer_delete             timer                                    int     -       -
timer_delete_sync        timer                                    int     -       wait_timer
from_timer               timer                                    dev     -       -
hrtimer_setup            hrtimer hrtimer_fn int int               -       -       -
hrtimer_start            hrtimer int int                          -       -       -
hrtimer_forward_now      hrtimer int                              int     -       -
hrtimer_cancel           hrtimer                                  int     -       wait_object
kthread_run              thread_fn dev name                       task    sleeps  -
kthread_stop             task                                     int     sleeps  -
kthread_should_stop      .                                        int     -       -
init_waitqueue_head      waitqueue                                -       -       -
wait_event               waitqueue condition                      -       sleeps  -
wait_event_interruptible waitqueue condition                      int     sleeps  -
wake_up                  waitqueue                                -       -       -
init_completion          completion                               -       -       -
complete                 completion                               -       -       -
wait_for_completion      completion                               -       sleeps  -
spin_lock_init           spinlock                                 -       -       -
spin_lock                spinlock                                 -       -       lock
spin_unlock              spinlock                                 -       -       unlock
spin_lock_bh             spinlock                                 -       -       lock_bh
spin_unlock_bh           spinlock                                 -       -       unlock_bh
spin_lock_irq            spinlock                                 -       -       lock_irq
spin_unlock_irq          spinlock                                 -       -       unlock_irq
spin_lock_irqsave        spinlock                                 saved   -       lock_irqsave
spin_unlock_irqrestore   spinlock saved                           -       -       unlock_irqrestore
raw_spin_lock            spinlock                                 -       -       lock
raw_spin_unlock          spinlock                                 -       -       unlock
raw_spin_lock_irq        spinlock                                 -       -       lock_irq
raw_spin_unlock_irq      spinlock                                 -       -       unlock_irq
raw_spin_lock_irqsave    spinlock                                 saved   -       lock_irqsave
raw_spin_unlock_irqrestore spinlock saved                         -       -       unlock_irqrestore
rwlock_init              rwlock                                   -       -       -
read_lock                rwlock                                   -       -       lock_read
read_unlock              rwlock                                   -       -       unlock
read_lock_bh             rwlock                                   -       -       lock_read_bh
read_unlock_bh           rwlock                                   -       -       unlock_bh
read_lock_irq            rwlock                                   -       -       lock_read_irq
read_unlock_irq          rwlock                                   -       -       unlock_irq
write_lock               rwlock                                   -       -       lock
write_unlock             rwlock                                   -       -       unlock
write_lock_bh            rwlock                                   -       -       lock_bh
write_unlock_bh          rwlock                                   -       -       unlock_bh
write_lock_irq           rwlock                                   -       -       lock_irq
write_unlock_irq         rwlock                                   -       -       unlock_irq
mutex_init               mutex                                    -       -       -
mutex_lock               mutex                                    -       sleeps  mutex_lock
mutex_unlock             mutex                                    -       -       mutex_unlock
atomic_read              atomic                                   int     -       -
atomic_set               atomic int                               -       -       -
atomic_inc               atomic                                   -       -       -
atomic_dec               atomic                                   -       -       -
atomic_dec_and_test      atomic                                   int     -       -
this_cpu_inc             percpu                                   -       -       -
this_cpu_read            percpu                                   int     -       -
local_irq_disable        .                                        -       -       irqs_off
local_irq_enable         .                                        -       -       irqs_on
local_irq_save           .                                        saved   -       irqs_save
local_irq_restore        saved                                    -       -       irqs_restore
preempt_disable          .                                        -       -       preempt_off
preempt_enable           .                                        -       -       preempt_on
msleep                   int                                      -       sleeps  -
usleep_range             int int                                  -       sleeps  -
schedule                 .                                        -       sleeps  -
cond_resched             .                                        -       sleeps  -
udelay                   int                                      -       -       spend_us
mdelay                   int                                      -       -       spend_ms
spend                    int                                      -       -       spend_ns
ktime_get                .                                        int     -       -
msecs_to_jiffies         int                                      int     -       -
kmalloc                  int flags                                int     -       kmalloc
kfree                    int                                      -       -       -
copy_to_user             int                                      int     sleeps  -
copy_from_user           int                                      int     sleeps  -
read_reg                 dev int                                  int     -       register
write_reg                dev int int                              -       -       register
smp_processor_id         .                                        int     -       -
"""


class Call:
    """A function of the API. params: kinds; result: a kind or None; sleeps: bool; effect: a name or None."""

    __slots__ = ("name", "params", "result", "sleeps", "effect")

    def __init__(self, row):
        self.name, *kinds = row.split()
        self.params = tuple(kind for kind in kinds[:-3] if kind != ".")
        result, sleeps, effect = (None if word == "-" else word for word in kinds[-3:])
        self.result, self.sleeps, self.effect = result, sleeps == SLEEPS, effect


CALLS = {call.name: call for call in map(Call, _ROWS.strip().splitlines())}

# include/linux/interrupt.h, irqreturn.h, gfp_types.h, workqueue.h, hrtimer.h; errno
CONSTANTS = {
    "IRQ_NONE": 0, "IRQ_HANDLED": 1, "IRQ_WAKE_THREAD": 2,
    "IRQF_TRIGGER_RISING": 0x1, "IRQF_TRIGGER_FALLING": 0x2, "IRQF_TRIGGER_HIGH": 0x4, "IRQF_TRIGGER_LOW": 0x8,
    "IRQF_SHARED": 0x80, "IRQF_NOBALANCING": 0x800, "IRQF_ONESHOT": 0x2000, "IRQF_NO_SUSPEND": 0x4000, "IRQF_NO_THREAD": 0x10000,
    "IRQF_COND_SUSPEND": 0x40000, "IRQF_NO_AUTOEN": 0x80000,
    "GFP_ATOMIC": 0x820, "GFP_NOWAIT": 0x800, "GFP_KERNEL": 0xCC0, "GFP_NOIO": 0xC00,
    "WQ_BH": 0x1, "WQ_UNBOUND": 0x2, "WQ_FREEZABLE": 0x4, "WQ_MEM_RECLAIM": 0x8, "WQ_HIGHPRI": 0x10, "WQ_CPU_INTENSIVE": 0x20,
    "WQ_SYSFS": 0x40, "WQ_POWER_EFFICIENT": 0x80, "WQ_PERCPU": 0x100,
    "HI_SOFTIRQ": 0, "TIMER_SOFTIRQ": 1, "NET_TX_SOFTIRQ": 2, "NET_RX_SOFTIRQ": 3, "BLOCK_SOFTIRQ": 4, "IRQ_POLL_SOFTIRQ": 5,
    "TASKLET_SOFTIRQ": 6, "SCHED_SOFTIRQ": 7, "HRTIMER_SOFTIRQ": 8, "RCU_SOFTIRQ": 9,
    "HRTIMER_NORESTART": 0, "HRTIMER_RESTART": 1, "CLOCK_MONOTONIC": 1, "HRTIMER_MODE_ABS": 0, "HRTIMER_MODE_REL": 1,
    "HRTIMER_MODE_ABS_SOFT": 4, "HRTIMER_MODE_REL_SOFT": 5, "HRTIMER_MODE_ABS_HARD": 8, "HRTIMER_MODE_REL_HARD": 9,
    "EPERM": 1, "EINTR": 4, "EIO": 5, "ENXIO": 6, "EAGAIN": 11, "ENOMEM": 12, "EFAULT": 14, "EBUSY": 16, "ENODEV": 19, "EINVAL": 22,
    "ENOSPC": 28, "ENODATA": 61, "EPROTO": 71, "EOVERFLOW": 75, "EOPNOTSUPP": 95, "ETIMEDOUT": 110,
}  # fmt: skip
VARIABLES = ("jiffies", "HZ")  # include/linux/jiffies.h; HZ is the machine's
HRTIMER_MODE_SOFT, HRTIMER_MODE_HARD = 4, 8
GFP_DIRECT_RECLAIM = 0x400  # ___GFP_DIRECT_RECLAIM: what makes an allocation sleep
WORKQUEUES = ("system_wq", "system_percpu_wq", "system_highpri_wq", "system_long_wq", "system_unbound_wq", "system_dfl_wq",
              "system_freezable_wq", "system_power_efficient_wq", "system_freezable_power_efficient_wq", "system_bh_wq",
              "system_bh_highpri_wq")  # fmt: skip
