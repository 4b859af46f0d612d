"""What the docs tell people to type: every configuration in them is taken, and every option of a command exists."""

import pathlib
import re
import subprocess

import pytest

from conftest import ROOT, binary

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
LISTEN = "listen: [ { address: 127.0.0.1:0 } ]\n"
SITES = 'sites: [ { hosts: ["*"], origins: [ { url: "http://127.0.0.1:1" } ] } ]\n'


def blocks(kinds):
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            if found.group(1) in kinds:
                yield page, text.count("\n", 0, found.start()) + 1, found.group(2)


def place(page, line):
    return f"{page.relative_to(ROOT)}:{line}"


CONFIGURATIONS = [pytest.param(page, text, id=place(page, line)) for page, line, text in blocks({"yaml"})]


def program_of(page, text):
    """Whose configuration it is."""
    if page.name == "control-plane.md":
        return "meridian-control"
    return "meridian-origin" if page.name == "origin.md" else "meridian-edge"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate with its key, which serves for each file that is to hold one of them."""
    both = tmp_path_factory.mktemp("certificate") / "both.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    both, "-out", both.with_suffix(".crt"), "-days", "2", "-subj", "/CN=www.example.test"],
                   check=True, capture_output=True)
    return both.read_text(encoding="ascii") + both.with_suffix(".crt").read_text(encoding="ascii")


@pytest.mark.parametrize("page, text", CONFIGURATIONS)
def test_every_configuration_in_the_docs_is_taken(page, text, tmp_path, certificate):
    program = program_of(page, text)
    if program == "meridian-edge":
        # A page shows what it speaks of; the rest is the least that a file needs.
        text += "" if re.search(r"^listen:", text, re.M) else LISTEN
        text += "" if re.search(r"^sites:", text, re.M) else SITES
    # Files that it names are there.
    for path in set(re.findall(r"[\w./-]+\.(?:pem|key|token)\b", text)):
        name = path.replace("/", "_")
        (tmp_path / name).write_text(certificate)
        text = re.sub(rf"(?<![\w./-]){re.escape(path)}\b", str(tmp_path / name), text)
    # So are its folders.
    for folder in set(re.findall(r"/var/l(?:ib|og)/meridian[\w/-]*", text)):
        (tmp_path / folder[1:]).mkdir(parents=True, exist_ok=True)
    file = tmp_path / "file.yaml"
    file.write_text(text.replace("/var/l", f"{tmp_path}/var/l"))
    more = ["--listen", "127.0.0.1:0", "--root", tmp_path] if program == "meridian-origin" else []
    ran = subprocess.run([binary(program), "--config", file, "--check", *more], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def commands():
    """(place, program, options) of each command line in the docs whose program is ours."""
    program = r"(?:meridian-\w+|bench/\w+|deploy/\w+|tests/run)"
    for page, line, text in blocks({"", "sh"}):
        for offset, command in enumerate(text.splitlines(), line + 1):
            command = command.split("#")[0]
            if found := re.search(rf"(?:^|\| |\$ )({program})((?: .*)?)$", command):
                yield place(page, offset), found.group(1), re.findall(r"(?<!\S)--[\w-]+", found.group(2))


def told_by(program):
    """What it says of its options."""
    path = ROOT / program if "/" in program else binary(program)
    ran = subprocess.run([path, "--help"], capture_output=True, text=True, cwd=ROOT, timeout=60)
    return ran.stdout + ran.stderr


def test_every_option_of_a_command_in_the_docs_exists():
    told = {}
    wrong = []
    for where, program, options in commands():
        if program not in told:
            told[program] = told_by(program)
        known = set(re.findall(r"--[\w-]+", told[program]))
        wrong += [f"{where}: {program} {option}" for option in options if option not in known]
    assert len(told) >= 6, "commands were looked for in vain"
    assert not wrong, wrong


def test_every_link_in_the_docs_leads_somewhere():
    lost = []
    for page in [*PAGES, *(ROOT / "docs/reference").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                lost.append(f"{page.relative_to(ROOT)}: {target}")
    assert not lost, lost


def test_every_path_that_the_docs_name_exists():
    """In backquotes, from the root: files and folders of the tree."""
    lost = []
    for page in PAGES:
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for path in re.findall(r"`((?:bench|config|deploy|docs|edge|lib|origin|tests|control-plane)/[\w./-]+)`", text):
            # A program of bench/ is built from its source.
            candidates = [pathlib.Path(path), pathlib.Path(path + ".cc")]
            if not any((ROOT / candidate).exists() for candidate in candidates):
                lost.append(f"{page.relative_to(ROOT)}: {path}")
    assert not lost, lost
