"""Measures train.py on several workers of this machine, or kills one of them again and again, and models the network.

On one machine the workers share its cores, so their sequences a second show what sharing costs and not what it gains.
The model takes the seconds that one worker needs for a sequence, the bytes of the gradient, and the collectives of a
step, and says what machines of their own would reach. With --rate, each worker has a network namespace of its own, and
its traffic is shaped to that rate: it takes root, ip and tc, and a bridge named pose0.
"""

import argparse
import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

WORKERS = (1, 2, 4)
PORT = 23000
# Of an indivisible ring: the gradient goes round twice, less the part that a worker has itself.
NETWORKS = {"1 Gbit/s, 1 ms": (125e6, 1e-3), "10 Gbit/s, 1 ms": (1250e6, 1e-3), "10 Gbit/s, 0.1 ms": (1250e6, 1e-4)}
MACHINES = (1, 2, 4, 8, 16, 32, 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", metavar="DATA.h5")
    parser.add_argument("--time-limit", type=float, default=30, help="seconds of training (default: %(default)s)")
    parser.add_argument("--rate", help="of each worker's network, as tc takes it: 1gbit")
    parser.add_argument("--kills", type=int, default=0, help="kill a worker so many times instead of measuring")
    parser.epilog = "other options are train.py's"
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.kills:
            kill_again_and_again(arguments, options, Path(folder))
        else:
            measure(arguments, options, Path(folder))


def measure(arguments, options, folder):
    speeds = {}
    for workers in WORKERS:
        with namespaces(workers, arguments.rate) as places:
            out = folder / str(workers)
            limit = ["--time-limit", str(arguments.time_limit), "--evaluations", "4"]
            group = start(places, arguments.data, out, [*limit, *options])
            if any(process.wait() for process in group):
                raise SystemExit("\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log"))))
        speeds[workers] = sequences_a_second(out)
        print(f"{workers} workers  {speeds[workers]:7.1f} sequences/s", flush=True)
    config = json.loads((folder / "1" / "config.json").read_text())
    show_model(1 / speeds[1], gradient_of(config), config["batch_size"])


def sequences_a_second(out):
    """From the first evaluation on: TensorFlow prepares a graph in its first step."""
    rows = list(csv.DictReader((out / "history.csv").open()))
    if len({row["seconds"] for row in rows}) < 2:
        raise SystemExit("too few steps to measure; raise --time-limit")
    steps, seconds = (float(rows[-1][name]) - float(rows[0][name]) for name in ("step", "seconds"))
    return steps * json.loads((out / "config.json").read_text())["batch_size"] / seconds


def gradient_of(config):
    """The bytes of the gradient, and the collectives of a step of a network as config.json describes it."""
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from model.network import training_positions
    from pipeline.tensorflow_v1 import tf

    with tf.Graph().as_default():
        frames = tf.placeholder(tf.uint8, [None, 10, 64, 64, 3])
        training_positions(
            frames, config["network"], config["num_units"], config["members"], np.zeros((7, 2), np.float32)
        )
        floats = sum(variable.shape.num_elements() for variable in tf.trainable_variables())
        layers = sum(variable.op.name.endswith("/scale") for variable in tf.trainable_variables())
    return 4 * floats, 2 * layers + 1


def show_model(seconds_a_sequence, gradient, batch_size):
    """Prints how many sequences a second the model says, by network, batch and number of machines."""
    size, collectives = gradient
    print(f"\ngradient {size / 1e6:.2f} MB, {collectives} collectives a step; model, sequences/s:")
    print(f"{'network':20}{'batch':>7}" + "".join(f"{machines:>9}" for machines in MACHINES))
    for name, (rate, delay) in NETWORKS.items():
        for batch in (batch_size, 8 * batch_size, 64 * batch_size):
            speeds = []
            for machines in MACHINES:
                hops = 2 * (machines - 1)
                wire = hops * (size / machines / rate + collectives * delay)
                speeds.append(batch / (seconds_a_sequence * -(-batch // machines) + wire))
            print(f"{name:20}{batch:>7}" + "".join(f"{speed:9.1f}" for speed in speeds))


def kill_again_and_again(arguments, options, folder):
    """Kills the chief and the other of two workers in turn, at random moments, and goes on from the checkpoint."""
    draw = random.Random(0)
    for number in range(arguments.kills):
        victim = number % 2
        with namespaces(2, arguments.rate) as places:
            resume = ["--resume"] if (folder / "run" / "config.json").exists() else []
            limit = ["--epochs", "1000", "--evaluations", "1000"]
            group = start(places, arguments.data, folder / "run", [*limit, *options, *resume])
            wait_for_a_step(folder / "run", group)
            time.sleep(draw.uniform(0, 5))
            group[victim].send_signal(signal.SIGKILL)
            began = time.monotonic()
            status = group[1 - victim].wait()
            seconds = time.monotonic() - began
            group[victim].wait()
        print(
            f"kill {number + 1}: {'chief' if not victim else 'worker'}; the other's status {status} "
            f"after {seconds:.1f} s",
            flush=True,
        )
        if status != 3 or seconds > 10:
            raise SystemExit("it was to end with status 3 within 10 s")


def wait_for_a_step(out, group):
    """Until there is one more row than at first, or a process has ended."""

    def rows():
        return len((out / "history.csv").read_text().splitlines()) if (out / "history.csv").exists() else 1

    before = rows()
    while rows() <= before and all(process.poll() is None for process in group):
        time.sleep(0.05)


def start(places, data, out, options):
    """Starts train.py at each place, a pair of its address and the words before its command."""
    addresses = [f"{address}:{PORT + number}" for number, (address, _) in enumerate(places)]
    group = []
    for number, (_, words) in enumerate(places):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
        command = [*words, sys.executable, "train.py", "--data", os.path.abspath(data), "--out", str(out), *options]
        environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
        log = (out.parent / f"{out.name}-{number}.log").open("w")
        group.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
    return group


@contextlib.contextmanager
def namespaces(workers, rate):
    """Yields a place for each worker: on loopback, or with `rate` in network namespaces joined by a bridge."""
    if rate is None:
        yield [("127.0.0.1", [])] * workers
        return
    names = [f"pose{number + 1}" for number in range(workers)]
    try:
        run("ip link add pose0 type bridge", "ip link set pose0 up")
        for number, name in enumerate(names):
            run(
                f"ip netns add {name}",
                f"ip link add {name}a type veth peer name {name}b",
                f"ip link set {name}a master pose0 up",
                f"ip link set {name}b netns {name}",
                f"ip -n {name} addr add 10.99.0.{number + 1}/24 dev {name}b",
                f"ip -n {name} link set {name}b up",
                f"ip -n {name} link set lo up",
                f"tc -n {name} qdisc add dev {name}b root tbf rate {rate} burst 256kb latency 50ms",
            )
        yield [(f"10.99.0.{number + 1}", ["ip", "netns", "exec", name]) for number, name in enumerate(names)]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", "pose0"], stderr=subprocess.DEVNULL)


def run(*commands):
    for command in commands:
        subprocess.run(command.split(), check=True)


if __name__ == "__main__":
    main()
