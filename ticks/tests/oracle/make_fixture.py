"""Makes ticks/tests/fixtures: what cronsim answers to a small sample of the questions that compare.py asks.

Run it from the repository's root, with the packages in requirements.txt: python ticks/tests/oracle/make_fixture.py
"""

import json
import random
from pathlib import Path

import cases
from compare import accepted, cronsim_ticks, never, stricter
from definition import Definition

OUT = Path("ticks/tests/fixtures")
QUESTIONS, TEXTS = 1000, 600


def answered(question):
    """The question with cronsim's answers; none where cronsim deviates from the definition (compare.py says why it may)."""
    answers = {}
    for name, direction in (("after", 1), ("until", -1)):
        ticks = cronsim_ticks(question, direction)
        if ticks != Definition(question).ticks(question["at"], question[name], direction):
            return None
        answers[name] = ticks
    return question | answers


def write(name, lines):
    OUT.mkdir(exist_ok=True)
    (OUT / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{name}: {len(lines)} lines")


def main():
    rng = random.Random(0)
    names = cases.zones()
    questions = []
    while len(questions) < QUESTIONS:
        question = cases.question(rng, names)
        if accepted(question["schedule"]) and (line := answered(question)):
            questions.append(line)
    write("ticks.jsonl", questions)
    texts = [cases.words(rng) for _ in range(TEXTS)]
    verdicts = [
        {"schedule": text, "accepted": accepted(text) and len(text.split()) == 5}
        for text in texts
        if not stricter(text) and (accepted(text) or len(text.split()) != 5 or not never(text))
    ]
    write("grammar.jsonl", verdicts)


if __name__ == "__main__":
    main()
