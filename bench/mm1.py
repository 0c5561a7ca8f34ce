"""The M/M/1 queue at 75 % load in SimPy and in cimba, each as its own documentation would have it, and in tophalf.

SimPy measures each customer's time in the system, as tophalf does; cimba's container keeps the mean of its level, which is less
work. Neither is needed for anything but this comparison. Each runs in a process of its own, once for every line it reads: cimba
compiles with numba too, and one process does not hold both.
"""

import random
import sys
import time

LOAD = 0.75


def simpy_run(customers):
    """A function that returns (CPU seconds, customers served)."""
    import simpy

    def run():
        env, chance = simpy.Environment(), random.Random(1)
        queue, found = simpy.Store(env), [0, 0.0]
        env.process(arrivals(env, queue, chance))
        env.process(server(env, queue, chance, found))
        start = time.process_time()
        env.run(until=customers / LOAD)
        return time.process_time() - start, found[0]

    return run


def arrivals(env, queue, chance):
    while True:
        yield env.timeout(chance.expovariate(LOAD))
        queue.put(env.now)


def server(env, queue, chance, found):
    while True:
        came = yield queue.get()
        yield env.timeout(chance.expovariate(1.0))
        found[0] += 1
        found[1] += env.now - came


def cimba_run(customers):
    """As simpy_run."""
    import cimba

    model = cimba_model(cimba)()

    def run():
        experiment = cimba.Experiment(model, replications=1, window=cimba.Window(warmup=0, duration=customers / LOAD), seed=1)
        start = time.process_time()
        found = experiment.run()
        took_s = time.process_time() - start
        return took_s, int(found[model].served.values[0, 0])

    return run


def cimba_model(cb):
    """The example of cimba's own page, and how many were served."""

    class Queue(cb.Model):
        interarrival: cb.Input[float] = cb.inputs.dist.exponential(mean=1 / LOAD)
        service_time: cb.Input[float] = cb.inputs.dist.exponential(mean=1)
        queue: cb.Container
        served: cb.Output[float]

        @cb.on_start
        def begin(self):
            self.served = 0.0

        @cb.process
        def arrivals(self):
            while True:
                cb.hold(self.interarrival.next())
                self.queue.put(1)

        @cb.process
        def server(self):
            while True:
                self.queue.get(1)
                cb.hold(self.service_time.next())
                self.served += 1

    return Queue


def tophalf_run(customers):
    """As simpy_run."""
    from tophalf.model.simulate import load_scenario, make_world, run_on
    from tophalf.model.summary import packets

    def run():
        world = make_world(load_scenario("mm1"), 1)
        start = time.process_time()
        run_on(world, round(customers / 750_000 * 1e9))
        return time.process_time() - start, packets(world)["delivered"]

    return run


if __name__ == "__main__":
    run = {"simpy": simpy_run, "cimba": cimba_run, "tophalf": tophalf_run}[sys.argv[1]](int(sys.argv[2]))
    for _ in sys.stdin:
        print(*run(), flush=True)
