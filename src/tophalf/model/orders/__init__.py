"""Orders at moments of a run: what [[at]] says. A file a family of verbs.

PREPARE has for each verb of scenario/sections/at.py a function (builder, value, where) that is called before the run and returns
(what is ordered, in words; carry_out). carry_out(world), at the moment, returns (0 or -errno, why in words or None); `where` is
for errors. An order takes no time and is carried out from the first CPU that is online. AHEAD has verbs that also want to know
when: (builder, value, where, time_ns).
"""

from tophalf.model.orders import cpus, lines, modules, power, rates

PREPARE = {
    "set_affinity": lines.set_affinity, "disable_irq": lines.disable_irq, "enable_irq": lines.enable_irq, "suspend": power.suspend,
    "offline": cpus.offline, "online": cpus.online, "insmod": modules.insmod, "rmmod": modules.rmmod,
}  # fmt: skip
AHEAD = {"rate": rates.set_rate}
