"""The image that the Dockerfile describes, made without Docker: a folder with what is copied and installed, and the machine's own /usr in it.

It has to be made where mounts end with the process, as `.ci/space` sees to. To make it alone, as root, for `.ci/space --made FOLDER` later:

    unshare --mount --propagation private python .ci/image.py FOLDER
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Of the machine's /etc what names, certificates and pip need.
ETC = (
    "ssl",
    "ca-certificates",
    "resolv.conf",
    "hosts",
    "nsswitch.conf",
    "pip.conf",
    "ld.so.conf",
    "ld.so.conf.d",
    "login.defs",
    "default/useradd",
    "mime.types",
)
BOUND = ("usr", "opt", "dev", "proc", "sys")  # opt: where some machines keep packages for pip
NO_PYTHON = 3  # the exit code where the machine is at fault, not the Dockerfile
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Rules = list[tuple[bool, re.Pattern[str]]]


def say(words: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def run(*command: object) -> None:
    """A command that has to succeed."""
    subprocess.run([str(word) for word in command], check=True)  # noqa: S603 (all from this folder's own scripts)


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of the Dockerfile, in order."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(name.upper(), rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def ignored() -> Rules:
    """(is left out, pattern) of each line of .dockerignore; the last that matches decides."""
    found = []
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if words := line.split("#")[0].strip():
            name = words.removeprefix("!").strip("/")
            pattern = re.escape(name).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
            found.append((not words.startswith("!"), re.compile(f"{pattern}(?:/.*)?")))
    return found


def copy(source: str, target: Path, rules: Rules) -> None:
    """COPY of one file, or of what is in a folder, without what .dockerignore leaves out."""
    start = ROOT / source
    files = sorted(path for path in start.rglob("*") if path.is_file()) if start.is_dir() else [start]
    count = 0
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        if next((left_out for left_out, pattern in reversed(rules) if pattern.fullmatch(name)), False):
            continue
        place = target / (path.relative_to(start) if start.is_dir() else path.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        place.chmod(0o644)
        count += 1
    if not count:
        sys.exit(f"error: COPY {source}: .dockerignore leaves nothing of it")


class Image:
    """A folder that is what the Dockerfile makes."""

    def __init__(self, folder: Path, *, root: bool) -> None:
        self.folder = folder
        self.root = root
        self.place, self.user = "/", 0
        self.environ: dict[str, str] = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
        self.command: list[str] = []
        self.health: list[str] = []
        self.made = 0.0  # when it was finished

    def make(self) -> None:
        """Every instruction in turn."""
        rules, started = ignored(), time.monotonic()
        for name, rest in instructions():
            begun = time.monotonic()
            self.step(name, rest, rules)
            say(f"  {time.monotonic() - begun:6.1f} s  {name} {rest[:100]}")
        self.made = time.time()
        say(f"image made in {time.monotonic() - started:.0f} s, by the Dockerfile's {len(instructions())} instructions")

    def enter(self) -> None:
        """What was made in this folder before: its mounts again, and what the instructions say about the way it is run."""
        self.bind()
        self.made = time.time()
        for name, rest in instructions():
            if name in ("WORKDIR", "USER", "ENV", "HEALTHCHECK", "CMD"):
                self.step(name, rest, [])

    def step(self, name: str, rest: str, rules: Rules) -> None:
        """One instruction; what this script does not know is an error, so that nothing of the Dockerfile is passed over."""
        if name == "FROM":
            self.base(rest)
        elif name == "RUN":
            self.run(rest)
        elif name == "WORKDIR":
            self.place = rest
            (self.folder / rest.strip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            self.copy(rest, rules)
        elif name == "USER":
            self.user = int(rest)
        elif name == "ENV":
            self.environ |= dict(word.split("=", 1) for word in shlex.split(rest))
        elif name == "HEALTHCHECK":
            self.health = json.loads(rest[rest.index("CMD ") + 4 :])
        elif name == "CMD":
            self.command = json.loads(rest)
        elif name != "EXPOSE":  # the port is free here
            sys.exit(f"error: the Dockerfile has an instruction that this script does not know: {name}")

    def run(self, command: str) -> None:
        """RUN in a shell; with this machine's cache of pip, as an image has no use for one of its own but the next image has."""
        cache = Path(os.environ.get("PIP_CACHE_DIR", Path.home() / ".cache" / "pip"))
        if "pip install" in command and cache.is_dir():
            inside = self.folder / "var/cache/pip"
            inside.mkdir(parents=True, exist_ok=True)
            run("mount", "--bind", cache, inside)
            try:
                self.call(["/bin/sh", "-c", command.replace(" --no-cache-dir", "")], {**registry(), "PIP_CACHE_DIR": "/var/cache/pip"})
            finally:
                run("umount", inside)
        else:
            self.call(["/bin/sh", "-c", command], registry())

    def copy(self, rest: str, rules: Rules) -> None:
        """COPY of one thing or several into a folder."""
        *sources, target = rest.split()
        for source in sources:
            copy(source, self.folder / self.place.strip("/") / target, rules)

    def base(self, name: str) -> None:
        """FROM python:3.x-slim: a root with that Python in /usr/local, and no user but the system's."""
        for folder in ("tmp", "var/tmp", "var/mail", "root", "home", "run", "usr", "local", "app"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        for folder in ("tmp", "var/tmp"):
            (self.folder / folder).chmod(0o1777)
        for path in Path("/").iterdir():
            if path.is_symlink():
                (self.folder / path.name).symlink_to(path.readlink())
        self.system()
        version = name.removeprefix("python:").split("-")[0]
        prefix = python_of(version)
        shutil.copytree(
            prefix, self.folder / "local", symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("test", "__pycache__")
        )
        for script in (self.folder / "local/bin").iterdir():  # pip among them, which names the Python that it is for
            if script.is_file() and not script.is_symlink() and script.read_bytes()[:2] == b"#!":
                script.write_bytes(script.read_bytes().replace(os.fsencode(prefix), b"/usr/local", 1))
        self.bind()
        self.call(["/sbin/ldconfig"])  # that Python's library is in /usr/local/lib

    def bind(self) -> None:
        """The machine's own folders and our /usr/local in them."""
        for folder in BOUND:
            if (Path("/") / folder).is_dir():
                (self.folder / folder).mkdir(exist_ok=True)
                run("mount", "--rbind", f"/{folder}", self.folder / folder)
        run("mount", "--bind", self.folder / "local", self.folder / "usr/local")
        for folder in ("usr", "opt"):  # user namespaces may not tighten what they did not mount
            if self.root and (self.folder / folder).is_mount():
                run("mount", "-o", "remount,ro,bind", self.folder / folder)

    def system(self) -> None:
        """Of /etc what names, certificates and pip need; of users those alone that every Debian has."""
        etc = self.folder / "etc"
        etc.mkdir()
        for name in ETC:
            path = Path("/etc") / name
            if path.is_dir():
                shutil.copytree(path, etc / name, symlinks=True)
            elif path.exists():
                (etc / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(path, etc / name)
        for name in ("passwd", "group"):
            lines = (Path("/etc") / name).read_text().splitlines(keepends=True)
            (etc / name).write_text("".join(line for line in lines if not 1000 <= int(line.split(":")[2]) < 60000))

    def call(self, command: list[str], environ: Mapping[str, str] | None = None) -> None:
        """Run a command in the image and wait for it."""
        done = subprocess.run(self.line(command, environ or {}), check=False, capture_output=True, text=True)  # noqa: S603 (as above)
        if done.returncode:
            sys.exit(f"error: {shlex.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")

    def line(self, command: list[str], environ: Mapping[str, str]) -> list[str]:
        """The command as it is run in the image: its root, user, folder and environment."""
        who = [f"--userspec={self.user}:{self.user}", "--groups="] if self.root and self.user else []
        variables = [f"{name}={value}" for name, value in {**self.environ, **environ}.items()]
        return ["chroot", *who, str(self.folder), "/usr/bin/env", "-i", f"--chdir={self.place}", *variables, *command]

    def written(self) -> list[str]:
        """Files that were written since the image was made."""
        paths = (path for folder in ("app", "home", "tmp", "var", "local", "etc", "root") for path in (self.folder / folder).rglob("*"))
        return sorted(f"/{path.relative_to(self.folder)}" for path in paths if path.is_file() and path.lstat().st_mtime > self.made)


def registry() -> dict[str, str]:
    """How this machine's pip reaches its registry: what its files of settings say, then the environment."""
    known = re.compile("PIP_|(https?|no)_proxy$|SSL_CERT", re.IGNORECASE)
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True).stdout
    settings = re.findall(r"^(?:global|install)\.([a-z-]+)='(.*)'$", told, re.MULTILINE)
    files = {f"PIP_{name.replace('-', '_').upper()}": value for name, value in settings}
    return files | {name: value for name, value in os.environ.items() if known.match(name)}


def python_of(version: str) -> Path:
    """The folder of a Python of this version that can be copied, or of the present one."""
    candidates = [
        *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")),
        shutil.which(f"python{version}"),
        sys.executable,
    ]
    for candidate in map(str, filter(None, candidates)):
        code = "import sys; print(sys.base_prefix, '%d.%d' % sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", code], check=False, capture_output=True, text=True)  # noqa: S603 (a Python)
        prefix, _, found = done.stdout.strip().rpartition(" ")
        if done.returncode == 0 and prefix not in ("", "/usr"):
            if found != version:
                say(f"  note: there is no Python {version} here; {found} stands in")
            return Path(prefix)
    say(f"error: no Python {version} is here that can be copied (one of Debian's packages can't)")
    sys.exit(NO_PYTHON)


if __name__ == "__main__":
    wanted = Path(sys.argv[1])
    wanted.mkdir(parents=True)
    wanted.chmod(0o755)
    Image(wanted, root=True).make()
