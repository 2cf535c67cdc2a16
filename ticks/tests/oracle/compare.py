"""Compares `ticks` (ticks/examples/ticks.rs) with cronsim over random questions: compare.py TICKS COUNT SEED

Every answer that differs from cronsim's is compared with the definition (definition.py). The two must agree, and the reason
why cronsim deviates must be a known one (`cause`); anything else fails.
"""

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timezone
from importlib.metadata import version
from itertools import islice

import cases
from cronsim import CronSim, CronSimError
from definition import Definition, is_fixed

BATCH = 2000


class Hangs(Exception):
    pass


def alarm(*_):
    raise Hangs


signal.signal(signal.SIGALRM, alarm)


def answers(program, questions):
    text = "".join(json.dumps(question) + "\n" for question in questions)
    run = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def safe_start(at, name, direction):
    """An instant that far from `at`, against the direction, at which the local clock shows what it shows once.

    cronsim starts from local time, and so an hour off in the second pass of an hour.
    """
    while True:
        local = datetime.fromtimestamp(at, cases.zone(name))
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            return at
        at -= 600 * direction


def cronsim_ticks(question, direction):
    at, count = question["at"], question["after" if direction > 0 else "until"]
    start = safe_start(at if direction > 0 else at + 1, question["zone"], direction)
    sim = CronSim(question["schedule"], datetime.fromtimestamp(start, cases.zone(question["zone"])), reverse=direction < 0)
    ticks = (int(tick.timestamp()) for tick in sim)
    signal.setitimer(signal.ITIMER_REAL, 10)
    try:
        return list(islice((tick for tick in ticks if (tick > at) == (direction > 0)), count))
    except Hangs:
        return "hangs"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def cause(question, direction, ours):
    """Why cronsim may deviate here; none where it should not."""
    fixed = is_fixed(question["schedule"])
    low, high = min([question["at"], *ours]) - 2 * cases.DAY, max([question["at"], *ours]) + 2 * cases.DAY
    for at, before, after in cases.transitions(question["zone"]):
        if not low <= at <= high:
            continue
        if fixed and direction < 0 and after > before and (after - before) % 60:
            return "a gap of no whole minutes: on its way back, cronsim gives the tick at its end again and again"
        if fixed:
            continue
        if (after - before) % 3600 or (at + before) % 3600:
            return "the clock moves by no whole hours, or within one: cronsim steps by hours and loses a part of one"
        opening, reached = (at + after) % cases.DAY, (at + before) % cases.DAY
        first, length = (reached, after - before) if after > before else (opening, before - after)
        if (-first) % cases.DAY < length or (first + length) % cases.DAY == 0:
            return "midnight is skipped or comes twice: cronsim goes from day to day by midnights"
    return None


def compare(question, ours, direction, tally, report):
    theirs = cronsim_ticks(question, direction)
    tally["compared"] += 1
    tally["ticks"] += len(ours)
    if ours == theirs:
        return True
    by_definition = Definition(question).ticks(question["at"], len(ours), direction)
    why = cause(question, direction, ours)
    if by_definition is None and why:
        tally["too far ahead for the definition"] += 1
    elif by_definition != ours or not why:
        tally["WRONG"] += 1
        report(json.dumps({"question": question, "direction": direction, "ours": ours, "cronsim": theirs, "definition": by_definition}))
    else:
        tally[why] += 1
    return False


def accepted(schedule):
    try:
        CronSim(schedule, datetime(2000, 1, 1, tzinfo=timezone.utc))
    except CronSimError:
        return False
    return True


def stricter(schedule):
    """What cronsim takes and we refuse: long numbers, steps above 59, a step after L or LW."""
    for item in schedule.replace(",", " ").split():
        base, slash, step = item.upper().partition("/")
        numbers = base.replace("#", "-").rstrip("L").split("-") + ([step] if slash else [])
        if any(len(number) > 2 and number.isdigit() for number in numbers):
            return True
        if slash and (base in ("L", "LW") or (step.isdigit() and int(step) > 59)):
            return True
    return False


def compare_grammar(program, rng, count, tally, report):
    texts = [cases.words(rng) for _ in range(count)]
    questions = [{"schedule": text, "zone": "Etc/UTC", "at": 0, "after": 0, "until": 0} for text in texts]
    for text, answer in zip(texts, answers(program, questions)):
        ours, theirs = "error" not in answer, accepted(text) and len(text.split()) == 5
        tally["texts compared"] += 1
        tally["texts accepted"] += ours
        if ours == theirs:
            continue
        if theirs and stricter(text):
            tally["refused although cronsim takes it: number or step too long, step after L"] += 1
        elif ours and never(text):
            tally["accepted although cronsim refuses it: a day that never comes"] += 1
        else:
            tally["WRONG"] += 1
            report(json.dumps({"schedule": text, "ours": answer, "cronsim": theirs}))


def never(text):
    """Whether all that cronsim minds is that the month has no such day."""
    minute, hour, day, _, weekday = text.split()
    return accepted(" ".join([minute, hour, day, "*", weekday]))


def main():
    program, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    tally, names = Counter(), cases.zones()
    report = lambda line: print(line, flush=True)
    compare_grammar(program, rng, max(count // 4, 1), tally, report)
    while tally["compared"] < count:
        questions = [q for q in (cases.question(rng, names) for _ in range(BATCH)) if accepted(q["schedule"])]
        for question, answer in zip(questions, answers(program, questions)):
            if "error" in answer:
                tally["WRONG"] += 1
                report(json.dumps({"question": question, "ours": answer}))
                continue
            compare(question, answer["after"], 1, tally, report)
            compare(question, answer["until"], -1, tally, report)
        print(f"{tally['compared']} of {count}", file=sys.stderr, flush=True)
    print(f"cronsim {version('cronsim')}, tzdata {version('tzdata')}, {len(names)} zones, seed {seed}")
    for what, number in tally.most_common():
        print(f"{number:>10}  {what}")
    sys.exit(1 if tally["WRONG"] else 0)


if __name__ == "__main__":
    main()
