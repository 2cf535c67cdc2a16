"""Times fleetscore ingest against Flink SQL and Bytewax: streams.py FLEETSCORE WORK_DIR FRAGMENT

Events of 120 bytes of JSON in a topic of a broker on this machine (FLEETSCORE_KAFKA) are read to its end and become means over
minutes in Parquet. The programs take turns on two CPUs, which the broker shares; the figures are medians of whole processes. What each
wrote is compared with the means that the events were made to have. Then, of 100,000 sensors: how long reading stands still for a
checkpoint, publishing an hour, memory, and what a run of one sensor reads of that hour (FLEETSCORE_AZURITE_ENDPOINT).
"""

import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time

import numpy as np

import plant as simulated
import stream_events
from stream_events import Plant
from stream_programs import MANIFEST, PATIENCE, Flink, Ingest, Log, differing, fill
from stream_reads import reads

try:
    import bytewax  # noqa: F401
    from stream_programs import Bytewax
except ImportError:
    Bytewax = None

ROUNDS = int(os.environ.get("ROUNDS", "3"))
BROKER = os.environ["FLEETSCORE_KAFKA"]


def turns(programs, topic, plant, work):
    """A topic read by the programs in turns: seconds, peak memory in MiB and log of each one's turns, and the windows that differ."""
    results, wrong = {program: [] for program in programs}, 0
    for _ in range(ROUNDS):
        for program in programs:
            folder = work / topic
            results[program].append(program.run(BROKER, topic, folder))
            wrong += differing(program.rows(folder), plant)
            shutil.rmtree(folder)
    return results, wrong


def start_ups(peers, work):
    """The seconds that each peer takes for next to nothing, and the windows that differ."""
    plant = Plant(sensors=16, every=1, minutes=1, partitions=4)
    plant.send(BROKER, "few")
    results, wrong = turns(peers, "few", plant, work)
    stream_events.delete(BROKER, "few")
    return {peer: statistics.median(seconds for seconds, _, _ in of) for peer, of in results.items()}, wrong


def compare(own, start_up, plant, speed, work):
    """All programs on a plant's events: the lines of the comparison, those of what is aimed at, and the windows that differ."""
    topic = f"of-{plant.sensors}"
    size = plant.send(BROKER, topic)
    start_up = {peer: seconds for peer, seconds in start_up.items() if plant.sensors <= peer.most_sensors}
    results, wrong = turns([*own, *start_up], topic, plant, work)
    stream_events.delete(BROKER, topic)
    whole = {program: [seconds for seconds, _, _ in of] for program, of in results.items()}
    logs = {program: [Log(text) for _, _, text in results[program]] for program in own}
    busy = {program: [log.published - log.began for log in of] for program, of in logs.items()}
    busy |= {peer: [seconds - start_up[peer] for seconds in whole[peer]] for peer in start_up}
    reading = statistics.median(plant.events / (log.read - log.began) for log in logs[own[0]])
    lines, aimed = [], [f"| events/s that one thread reads, {plant.sensors:,} sensors, until all is read | {reading:,.0f} | {speed:,} |"]
    for program in results:
        took, without = statistics.median(whole[program]), statistics.median(busy[program])
        ratios = [statistics.median(theirs / ours for theirs, ours in zip(times[program], times[own[-1]])) for times in (whole, busy)]
        mib = max(mib for _, mib, _ in results[program])
        lines.append(
            f"| {program.name} | {plant.sensors:,} | {took:.1f} | {without:.1f} | {plant.events / took:,.0f} | {plant.events / without:,.0f} "
            f"| {ratios[0]:.1f} | {ratios[1]:.1f} | {mib:,.0f} |"
        )
        if program in start_up:
            aimed.append(f"| times {program.name}, {plant.sensors:,} sensors, whole process | {ratios[0]:.1f} | {program.aim} |")
    print(f"{plant.events:,} events of {size:.1f} bytes; {wrong} windows differ", *lines, *aimed, sep="\n", flush=True)
    return lines, aimed, wrong


def against_peers(fleetscore, work):
    """The same for 1,000 sensors and, with the peers that can, for 100,000."""
    own = [Ingest(fleetscore, 1), Ingest(fleetscore, 2)]
    start_up, wrong = start_ups([Flink(), *([Bytewax()] if Bytewax else [])], work)
    lines = [
        "| | sensors | seconds | without start-up | events/s | without start-up | ratio | without start-up | MiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    aimed = []
    for plant, speed in ((Plant(1_000, 1, 40, 4), 1_000_000), (Plant(100_000, 60, 20, 4), 700_000)):
        more, aims, different = compare(own, start_up, plant, speed, work)
        lines, aimed, wrong = lines + more, aimed + aims, wrong + different
    return lines, aimed, wrong


def hour(fleetscore, work):
    """100,000 sensors with a reading a minute for an hour, in one partition: lines, and the windows that differ."""
    plant = Plant(100_000, 60, 60, 1)
    plant.send(BROKER, "hour")
    pauses, publishing, memory, wrong = [], [], [], 0
    program = Ingest(fleetscore, 1)
    for number in range(ROUNDS):
        folder = work / f"hour-{number}"
        _, mib, text = program.run(BROKER, "hour", folder)
        log = Log(text)
        pauses += log.pauses
        publishing.append(log.published - log.ended)
        memory.append(mib)
        wrong += differing(program.rows(folder), plant)
        if number < ROUNDS - 1:
            shutil.rmtree(folder)
    stream_events.delete(BROKER, "hour")
    read, size = reads(fleetscore, folder, plant, work / "reads")
    shutil.rmtree(folder)
    return [
        f"| checkpoint, 100,000 sensors in a partition: reading stands still, p50 / p99 / longest of {len(pauses)}, ms "
        f"| {np.quantile(pauses, 0.5):.1f} / {np.quantile(pauses, 0.99):.1f} / {max(pauses):.1f} | p99 50 |",
        f"| publishing an hour of {plant.events:,} rows, s | {statistics.median(publishing):.1f} | 15 |",
        f"| peak memory of the process that does, MiB | {max(memory):,.0f} | |",
        f"| read of that hour for one sensor, KB of {size / 1e6:.1f} MB | {read / 1e3:,.0f} ({read / size:.2%}) | 1% |",
    ], wrong


def resident(fleetscore, plant, topic, work):
    """Resident memory and its peak, in MiB, of a process that has read a topic and keeps all of its windows open."""
    plant.send(BROKER, topic)
    folder = work / topic
    folder.mkdir()
    manifest = work / f"{topic}.yaml"
    text = fill(MANIFEST, BROKER, topic, folder).replace("idleSeconds: 1", "idleSeconds: 86400, toleranceSeconds: 360")
    manifest.write_text(text)
    command = [fleetscore, "ingest", "--quiet", "--threads", "1", "--memory", "16", "-f", manifest]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = folder / "_stream/partitions/00000"
    begun = time.monotonic()
    while not line.exists() or json.loads(line.read_bytes().split(b"\n", 1)[0])["progress"]["nextOffset"] != plant.events:
        if process.poll() is not None or time.monotonic() - begun > PATIENCE:
            process.kill()
            sys.exit(f"not all of {topic} was read: {process.stderr.read()}")
        time.sleep(0.2)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    process.send_signal(signal.SIGINT)
    process.communicate()
    stream_events.delete(BROKER, topic)
    shutil.rmtree(folder)
    return [int(status.split(f"{field}:")[1].split()[0]) / 1024 for field in ("VmRSS", "VmHWM")]


def memory(fleetscore, work):
    """100,000 sensors and, for comparison, 1,000, each with 7 windows open: lines."""
    many, few = Plant(100_000, 60, 7, 1), Plant(1_000, 1, 7, 1)
    (small, _), (large, peak) = resident(fleetscore, few, "open-few", work), resident(fleetscore, many, "open-many", work)
    bytes_each = (large - small) * 2**20 / (7 * (many.sensors - few.sensors))
    return [
        f"| memory, 100,000 sensors with 7 windows open, `--memory 16`: resident (at most), MiB | {large:.0f} ({peak:.0f}) | 160 |",
        f"| the same for 1,000 sensors, MiB | {small:.0f} | |",
        f"| a sensor's window more, bytes | {bytes_each:.0f} | 128 |",
    ]


def main():
    fleetscore, work, fragment = sys.argv[1], pathlib.Path(sys.argv[2]).resolve() / "streams", pathlib.Path(sys.argv[3])
    work.mkdir()
    compared, aimed, wrong = against_peers(fleetscore, work)
    measured, different = hour(fleetscore, work)
    aimed += [*measured, *memory(fleetscore, work)]
    lines = [f"{simulated.machine()}, two of them for the programs and the broker; {time.strftime('%Y-%m-%d')}; medians of {ROUNDS} rounds.", "", *compared, ""]
    if not Bytewax:
        lines += [f"Bytewax has no wheel for Python {sys.version_info.major}.{sys.version_info.minor}.", ""]
    lines += [f"Windows of all programs that differ from what the events come to: {wrong + different}.", "", "| | | aim |", "|---|---|---|", *aimed]
    print("\n".join(lines))
    fragment.write_text("\n".join(lines))
    sys.exit(wrong + different != 0)


if __name__ == "__main__":
    main()
