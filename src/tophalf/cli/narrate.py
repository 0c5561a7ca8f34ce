"""The first microseconds of a simulated run as a story: one line an event, the contexts of each CPU beside it."""

from tophalf.cli import render
from tophalf.cli.options import print_json
from tophalf.judge.story import Sentence, tell

NARRATE_NS_MAX = 1_000_000_000
COLUMNS_MAX = 4  # CPUs side by side; of more only the one that acts is shown
STACK_WIDTH_MAX = 34
TRACE_ROWS = 100_000


def narrate(args, scenario):
    """Simulate, and tell it. Returns the exit status. Raises: TophalfError when asked for too much."""
    from tophalf.cli.waiting import get_ready
    from tophalf.errors import TophalfError
    from tophalf.model.simulate import make_world
    from tophalf.model.table import event_table

    if not 0 < args.narrate <= NARRATE_NS_MAX:
        raise TophalfError("too long a story", "--narrate", "ask for 50us, 2ms, at most 1s")
    get_ready()
    world = make_world(scenario, args.seed, TRACE_ROWS)
    world.run(args.narrate)
    sentences = with_orders(list(tell(event_table(world))), world)
    if args.json:
        print_json({"scenario": scenario.name, "seed": args.seed, "story": [_as_dict(one) for one in sentences]})
        return 0
    print(render.paint(f"{scenario.name}, seed {args.seed}: the first {args.narrate / 1000:g} µs", "bold"))
    print(scenario.title, end="\n\n")
    print("\n".join(story_lines(sentences)) or "nothing happens in this time")
    return 0


def with_orders(sentences, world):
    """Sentences with what was ordered from outside among them, before what else happened at its moment."""
    from tophalf.model.orders.order import told as in_words

    unknown = dict.fromkeys(range(len(world.builder.cpus)), ("?",))
    told, at = [], 0
    for answer in world.answers:
        while at < len(sentences) and sentences[at].time_ns < answer.time_ns:
            told.append(sentences[at])
            at += 1
        text = f"from outside: {in_words(answer.as_dict())}"
        stacks = told[-1].stacks if told else unknown
        told.append(Sentence(time_ns=answer.time_ns, cpu=answer.cpu, text=text, stacks=stacks))
    return told + sentences[at:]


def _as_dict(sentence):
    stacks = {str(cpu): list(stack) for cpu, stack in sentence.stacks.items()}
    return {"time_ns": sentence.time_ns, "cpu": sentence.cpu, "text": sentence.text, "contexts": stacks}


def story_lines(sentences):
    """Lines: time, each CPU's contexts (only the acting one's where there are many), what happens."""
    acting = sorted({one.cpu for one in sentences})
    columns = acting if len(acting) <= COLUMNS_MAX else [None]
    texts = {cpu: [stack_text(one, cpu) for one in sentences] for cpu in columns}
    widths = {cpu: min(max(map(len, column)), STACK_WIDTH_MAX) for cpu, column in texts.items()} if sentences else {}
    for at, one in enumerate(sentences):
        cells = [_cell(texts[cpu][at], widths[cpu], cpu in (None, one.cpu)) for cpu in columns]
        yield f"{one.time_ns / 1000:12.3f} µs  {'  '.join(cells)}  {_who(one, columns)}{render.printable(one.text)}"


def stack_text(sentence, cpu):
    """CPU0 idle > IRQ 24: the running task and what lies on it. cpu None: of the CPU that acts."""
    cpu = sentence.cpu if cpu is None else cpu
    return f"CPU{cpu} {' > '.join(sentence.stacks[cpu])}"


def _cell(text, width, acts):
    text = text if len(text) <= width else text[: width - 1] + "…"
    return render.paint(f"{text:{width}}", "bold" if acts else "dim")


def _who(sentence, columns):
    return f"CPU{sentence.cpu}: " if len(columns) > 1 else ""
