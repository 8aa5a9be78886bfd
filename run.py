#!/usr/bin/env python3
"""Start the site, or its tests, on a machine that has nothing but Python.

  python3 run.py [serve] [--port N] [--data-dir DIR] [--empty]
  python3 run.py test [pytest's arguments]
  python3 run.py <a flask command, such as: accounts create>

Old Pythons can read this file, so that they can say kindly that they are too old. tools/ does the work.
"""

import os
import shutil
import signal
import subprocess
import sys

OLDEST = (3, 11)


def too_old(version):
    """What to tell somebody whose Python is too old, and has no newer one beside it."""
    wanted, found = (".".join(str(number) for number in numbers[:2]) for numbers in (OLDEST, version))
    return f"Python {wanted} or newer is needed; this is {found}. Install a newer Python, or uv, and try again."


def continue_in_newer_python():
    """Hand over to a Python that is new enough, by itself or through uv. Returns only when there is none."""
    for minor in (14, 13, 12, 11):
        newer = shutil.which(f"python3.{minor}")
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        # A name on PATH may be an empty shell that starts no Python at all.
        if newer and not subprocess.call([newer, "-c", check], stderr=subprocess.DEVNULL):
            os.execv(newer, [newer, *sys.argv])
    uv = shutil.which("uv")
    if uv:
        os.execv(uv, [uv, "run", "--no-project", "--python", ">=3.11", "python", *sys.argv])


def test(arguments):
    from tools import setting_up

    setting_up.set_up(setting_up.DEV_LOCK)
    setting_up.must("-m", "tests.outside", otherwise="No test was run.")
    return setting_up.become("-m", "pytest", "-n", "auto", "--dist", "worksteal", *arguments)


def flask(arguments):
    from tools import setting_up

    setting_up.set_up(setting_up.LOCK)
    return setting_up.become("-m", "flask", "--app", "app", *arguments)


def serve(arguments):
    from tools import serving

    return serving.serve(arguments)


def chosen(arguments):
    """The command that the arguments ask for, and what is left for it."""
    if not arguments or arguments[0].startswith("-"):
        return serve, arguments
    known = {"serve": serve, "test": test}
    return (known[arguments[0]], arguments[1:]) if arguments[0] in known else (flask, arguments)


def main(arguments):
    from tools.setting_up import CannotStart

    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        print(__doc__.strip())
        return 0
    command, rest = chosen(arguments)
    try:
        return command(rest)
    except CannotStart as problem:
        reason = str(problem)
    except OSError as problem:
        reason = f"That did not work: {problem.strerror or problem} ({problem.filename or 'no file named'})."
    except KeyboardInterrupt:
        reason = "Stopped."
    print(f"\n{reason}", file=sys.stderr, flush=True)
    return 1


def interrupt(number, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        continue_in_newer_python()
        sys.exit(too_old(sys.version_info))
    if os.name != "posix":
        sys.exit("Linux or macOS is needed. On Windows, run this inside the Windows Subsystem for Linux.")
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main(sys.argv[1:]))
