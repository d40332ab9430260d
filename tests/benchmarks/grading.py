"""`make bench ARGS=grading`: how long a class takes to grade. About 25 minutes on a quiet machine of two cores.

Submissions of the nine fixture students, who are right, wrong, slow, endless and so on, are graded by
`deblur-course grade` in blocks, with one and with all processors in turn, so that whatever else the machine does meets
both alike. Processor seconds are those of all processes below this one, looked at several times a second: a kernel that is
killed reports none itself.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from itertools import count, cycle, islice
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "classroom"))
from conftest import Classroom      # noqa: E402
import students                     # noqa: E402

from course_lib import authoring, classroom     # noqa: E402


class Processes(threading.Thread):
    """Adds up the processor seconds of everything that this process starts."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seconds, self.ended = {}, threading.Event()
        self.start()

    def run(self) -> None:
        while not self.ended.wait(0.1):
            for process in psutil.Process().children(recursive=True):
                try:
                    used = process.cpu_times()
                except psutil.Error:
                    continue
                self.seconds[process.pid, process.create_time()] = used.user + used.system

    def total(self) -> float:
        return sum(self.seconds.copy().values())


def block(room: Classroom, source: Path, names: list[str], jobs: int) -> list[tuple[str, float, float]]:
    """Grade one submission of each name; returns (name, seconds, processor seconds), exact for each where jobs is 1."""
    for path in (room.folder / "submitted").glob("*"):
        path.rename(room.folder / "done" / path.name)
    for name in names:
        notebook = students.submission(source, name.split("-")[1])
        notebook.metadata["lesson"] = source.stem
        room.submit(name, notebook)
    processes, marks = Processes(), [(time.monotonic(), 0.0)]

    def say(text: str) -> None:
        if "left" in text:
            marks.append((time.monotonic(), processes.total()))

    failed = classroom.grade(room.folder, source.stem, jobs, say=say)
    processes.ended.set()
    if failed:
        sys.exit(f"Not graded: {', '.join(failed)}")
    return [(name, after[0] - before[0], after[1] - before[1]) for name, before, after in zip(sorted(names), marks, marks[1:])]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=grading", description="Measure how long a class takes to grade.")
    parser.add_argument("--lesson", default="04_generator")
    parser.add_argument("--submissions", type=int, default=30, help="with all processors; 30 if not given")
    parser.add_argument("--alone", type=int, default=30, help="with one processor; 30 if not given")
    parser.add_argument("--blocks", type=int, default=3, help="how often the two take turns; 3 if not given")
    parser.add_argument("--students", nargs="+", default=list(students.STUDENTS), choices=list(students.STUDENTS), metavar="STUDENT",
                        help=f"who hands in, in turn: {', '.join(students.STUDENTS)}; all if not given")
    options = parser.parse_args()
    source = authoring.ROOT / "solutions" / f"{options.lesson}.py"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        room = Classroom(Path(folder) / "class")
        (room.folder / "my_settings.py").unlink()       # the limits that a teacher has
        (room.folder / "done").mkdir()
        room.nbgrader("generate_assignment", options.lesson)
        numbers, kinds = count(), {jobs: cycle(options.students) for jobs in (1, cores)}
        measured = {1: [], cores: []}
        for turn in range(options.blocks):
            for jobs, number in ((cores, options.submissions), (1, options.alone)):
                names = [f"{next(numbers):03d}-{kind}" for kind in islice(kinds[jobs], number // options.blocks)]
                print(f"  turn {turn + 1} of {options.blocks}: {len(names)} submissions, jobs={jobs}", file=sys.stderr, flush=True)
                measured[jobs].append(block(room, source, names, jobs))
                if jobs == 1:       # with more it is not known whose the seconds are
                    print(*(f"    {name:16} {seconds:6.1f} s {work:6.1f} s" for name, seconds, work in measured[jobs][-1]),
                          sep="\n", file=sys.stderr)
    rows = {jobs: [row for one in blocks for row in one] for jobs, blocks in measured.items()}
    alone = {kind: [row for row in rows[1] if row[0].endswith(kind)] for kind in students.STUDENTS}
    alone = {kind: [statistics.median(column) for column in list(zip(*found))[1:]] for kind, found in alone.items() if found}
    print(f"\n{options.lesson}, limits as they come, {cores} processors\n"
          "          submissions  minutes  minutes for 30  processor s for one")
    for jobs, found in rows.items():
        seconds, work = (sum(column) for column in list(zip(*found))[1:])
        print(f"  jobs={jobs} {len(found):13d} {seconds / 60:8.1f} {30 * seconds / len(found) / 60:15.1f} {work / len(found):20.1f}")
    gains = [sum(alone[row[0].split("-")[1]][0] for row in one) / sum(row[1] for row in one) for one in measured[cores]
             if all(row[0].split("-")[1] in alone for row in one)]
    if gains:
        print(f"  the same one after another takes {statistics.median(gains):.2f} times as long as with jobs={cores}, median of {len(gains)} turns")
    print("\n  one alone      seconds  processor s   (medians)")
    for kind, (seconds, work) in alone.items():
        print(f"  {kind:12} {seconds:9.1f} {work:12.1f}")


if __name__ == "__main__":
    main()
