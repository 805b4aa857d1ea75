"""python3 -m tour: what deploy/quickstart runs."""

import os
import sys
import time
import traceback

from tour import interrupts, options
from tour.course import Tour
from tour.story import Failed, Story


def main(arguments):
    chosen = options.parse(arguments)
    os.environ.pop("PYTHONPATH", None)
    packages_seconds = int(os.environ.pop("STOWAGE_QUICKSTART_PACKAGES", "0"))
    os.umask(0o022)
    os.chdir("/")
    story = Story()
    tour = Tour(chosen, story, packages_seconds)
    started = time.monotonic() - packages_seconds
    code = 1
    try:
        interrupts.install()
        story.line(f"stowage quickstart, state in {chosen.state}")
        story.line()
        tour.take()
        code = 0
        story.line(f"all of it took {time.monotonic() - started:.1f} s")
        if not chosen.once:
            tour.stay()
    except Failed as problem:
        story.failure(problem)
        code = 1
    except interrupts.Interrupted as signal_:
        story.line(f"{signal_}")
        code = 0 if code == 0 and not chosen.once else 130
    except Exception as problem:  # whatever it is, what was made must go
        story.failure(Failed(repr(problem), "", traceback.format_exc().splitlines()))
        code = 1
    finally:
        interrupts.hold()
    for problem in tour.leave():
        story.line(f"left behind: {problem}")
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
