#!/usr/bin/env python3
"""Manual page and completions say what --help says, and shells can use them.

Environment: PAIRLOOM_PROGRAM, the built pairloom.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import one_test

PROGRAM = os.environ["PAIRLOOM_PROGRAM"]
ROOT = Path(__file__).resolve().parents[2]


def output_of(*arguments, **more):
    return subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120, **more).stdout


def generated(document):
    return output_of(PROGRAM, "--generate", document)


def verbs():
    """The verbs as --help lists them: 'scan', 'index add'."""
    text = output_of(PROGRAM, "--help")
    listed = text[text.index("\nFind:"):text.index("\nWithout a verb:")]
    found = re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?:  |$)", listed, flags=re.M)
    assert "scan" in found and "index add" in found, text
    return found


def options_of(verb):
    """The options in the help of a verb, all spellings: {'-i', '--index', ...}."""
    text = output_of(PROGRAM, *verb.split(), "--help")
    found = re.findall(r"^  (?:(-\w), |    |(?=--))(--[\w-]+)", text, flags=re.M)
    return {name for pair in found for name in pair if name}


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"{program} is not installed")


def type_at_a_terminal(shell, keys, folder, **environment):
    """Runs a shell at a terminal of its own in `folder`, types `keys` when it is ready, and gives what it printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(shell[0], shell, {**os.environ, "TERM": "dumb", "HOME": folder, "PS1": "READY>", **environment})
    said = b""
    while True:
        may_type = keys and b"READY>" in said  # before, the terminal itself would take control characters
        readable, writable, _ = select.select([terminal], [terminal] if may_type else [], [], 120)
        if not readable and not writable:
            os.kill(pid, 9)  # it hangs; what is missing will show
            break
        try:
            if readable:
                said += os.read(terminal, 65536)
            if writable:
                keys = keys[os.write(terminal, keys[:256]):]
        except OSError:  # it has ended
            break
    os.waitpid(pid, 0)
    return said


class Manual(unittest.TestCase):
    def test_has_every_verb_and_option(self):
        page = generated("man").replace("\\-", "-")
        sections = dict(re.findall(r"^\.S[SH] (.*)\n((?:(?!\.S[SH] ).*\n)*)", page, flags=re.M))
        for verb in verbs():
            self.assertIn(f"pairloom {verb}", sections)
            for option in options_of(verb):
                where = sections[f"pairloom {verb}"] + sections["GLOBAL OPTIONS"]
                self.assertIn(f"\\fB{option}\\fR", where, f"{verb} {option}")
        for option in options_of(""):
            self.assertIn(f"\\fB{option}\\fR", sections["OPTIONS WITHOUT A VERB"] + sections["GLOBAL OPTIONS"])

    def test_has_the_exit_codes_of_the_documentation(self):
        page = generated("man")
        status = page[page.index(".SH EXIT STATUS"):page.index(".SH ENVIRONMENT")]
        document = (ROOT / "docs/cli.md").read_text()
        table = document[document.index("## Exit codes"):document.index("## How near is near")]
        documented = re.findall(r"^\| (\d+) \|", table, flags=re.M)
        self.assertGreater(len(documented), 5)
        self.assertEqual(re.findall(r"^\\fB(\d+)\\fR$", status, flags=re.M), documented)

    def test_has_every_key_of_the_configuration(self):
        source = (ROOT / "service/config.cpp").read_text()
        known = set(re.findall(r'\{"(\w+)",\s*(?:absolute_path|algorithm_list|control_socket|duration|flag|number|one_of|roots|'
                               r'size|table|texts?|whole_number)\b', source))
        self.assertLess({"index", "jobs", "root", "path", "exclude", "socket"}, known)
        page = (ROOT / "docs/man/pairloom.toml.5.in").read_text()
        documented = set(re.findall(r"^\\fB(\w+)\\fR = ", page, flags=re.M)) | set(re.findall(r"^\.SS \[+(\w+)\]+", page, flags=re.M))
        self.assertEqual(documented, known)
        table = set(re.findall(r"^\| .*?`(\w+)` \|", (ROOT / "docs/service.md").read_text(), flags=re.M))
        self.assertLessEqual(documented - {"root", "control", "limits", "pressure", "memory", "cpu", "io"}, table)

    def test_has_every_option_of_the_service(self):
        options = set(re.findall(r"--[a-z]+", output_of(PROGRAM + "d", "--help")))
        page = (ROOT / "docs/man/pairloomd.8.in").read_text().replace("\\-", "-")
        self.assertLess({"--config", "--check"}, options)
        self.assertEqual(set(re.findall(r"^\\fB(--\w+)\\fR", page, flags=re.M)), options)

    def test_date_is_reproducible(self):
        page = output_of(PROGRAM, "--generate", "man", env={**os.environ, "SOURCE_DATE_EPOCH": "86400"})
        self.assertIn('"1970-01-02"', page.splitlines()[0])

    @needs("mandoc")
    def test_is_clean(self):
        written = [p.read_text() for p in (ROOT / "docs/man").glob("*.in")]
        self.assertEqual(len(written), 2)
        for page in [generated("man")] + [p.replace("@PAIRLOOM_DATE@", "2000-01-01") for p in written]:
            found = subprocess.run(["mandoc", "-Tlint", "-Wstyle"], input=page, capture_output=True, text=True, timeout=120)
            # Pages that are not installed on this machine are no mistake.
            said = [line for line in found.stdout.splitlines() if "referenced manual not found" not in line]
            self.assertEqual(said, [])


class Bash(unittest.TestCase):
    def complete(self, *words):
        """(replies, options of compopt) for a command line; the last word is the one being completed."""
        script = 'compopt() { echo "compopt: $*"; }; . "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ' \
                 '_pairloom; for reply in "${COMPREPLY[@]}"; do printf "%s\\n" "$reply"; done'
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(generated("complete-bash"))
            file.flush()
            said = output_of("bash", "--norc", "-c", script, "bash", file.name, "pairloom", *words).splitlines()
        compopt = " ".join(line[9:] for line in said if line.startswith("compopt: "))
        return [line for line in said if not line.startswith("compopt: ")], compopt

    def replies(self, *words):
        return self.complete(*words)[0]

    def test_script_is_well_formed(self):
        output_of("bash", "-n", "/dev/stdin", input=generated("complete-bash"))

    def test_completes_every_verb_and_option(self):
        top = {verb.split()[0] for verb in verbs()}
        self.assertEqual(set(self.replies("")), top | {"help"})
        self.assertEqual(set(self.replies("index", "")), {v.split()[1] for v in verbs() if v.startswith("index ")})
        for verb in verbs():
            self.assertEqual(set(self.replies(*verb.split(), "-")), options_of(verb), verb)
        self.assertEqual(set(self.replies("-")), options_of(""))

    def test_completes_words(self):
        self.assertEqual(self.replies("dups", "--preset", "s"), ["same", "similar"])
        self.assertEqual(self.replies("dups", "--preset", "=", "s"), ["same", "similar"])
        self.assertEqual(self.replies("dups", "--preset", "="), ["exact", "same", "similar", "related"])
        self.assertEqual(self.replies("dups", "--preset=sa"), ["--preset=same"])  # with = out of COMP_WORDBREAKS
        self.assertEqual(self.replies("--color", "al"), ["always"])
        self.assertEqual(self.replies("help", "index", "ver"), ["verify"])

    def test_knows_which_words_are_values(self):
        self.assertEqual(self.replies("--index", "scan", "du"), ["dups"])
        self.assertEqual(self.replies("--index", "=", "scan", "du"), ["dups"])
        self.assertEqual(self.replies("-q", "index", "-i", "x", "ver"), ["verify"])

    def test_leaves_file_names_to_readline(self):
        self.assertEqual(self.complete("scan", "Pict"), ([], ""))
        self.assertEqual(self.complete("scan", "--", "-"), ([], ""))
        self.assertEqual(self.complete("scan", "--index", "x"), ([], ""))
        self.assertEqual(self.complete("extract", "--to", "x"), ([], "+o default -o dirnames"))
        self.assertEqual(self.complete("scan", "--jobs", ""), ([], "+o default"))  # a number: nothing to offer
        self.assertEqual(self.complete("index", "info", ""), ([], "+o default"))  # takes no argument

    def test_completes_at_a_terminal(self):
        """With bash, readline and the Tab key."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "script").write_text(generated("complete-bash"))
            (Path(folder) / "my pictures").mkdir()
            (Path(folder) / "pairloom").write_text('#!/bin/sh\nprintf "<%s>" pairloom "$@"; echo\n')
            (Path(folder) / "pairloom").chmod(0o755)
            said = type_at_a_terminal(["bash", "--norc", "--noprofile", "-i"],
                                      b". ./script\n"
                                      b"pairloom dups --pres\tsa\t\n"
                                      b"pairloom scan my\t --fail\t\n"
                                      b"exit\n", folder, PATH=f"{folder}:{os.environ['PATH']}", INPUTRC="/dev/null")
        self.assertIn(b"<pairloom><dups><--preset><same>", said)
        self.assertIn(b"<pairloom><scan><my pictures/><--fail-if-found>", said)


@needs("zsh")
class Zsh(unittest.TestCase):
    def test_script_is_well_formed(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(generated("complete-zsh"))
            file.flush()
            output_of("zsh", "-n", file.name)

    def test_knows_every_verb_and_option(self):
        script = generated("complete-zsh")
        functions = dict(re.findall(r"^(_pairloom\w*)\(\) \{\n(.*?)^\}$", script, flags=re.M | re.S))
        everywhere = functions["_pairloom"]
        for verb in verbs():
            own = functions["_pairloom_" + verb.replace(" ", "_")]
            for option in options_of(verb):
                self.assertRegex(own + everywhere, rf"['){{,*]{option}[=+\[]", verb)


@needs("fish")
class Fish(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        (Path(self.home) / "pairloom.fish").write_text(generated("complete-fish"))
        (Path(self.home) / "my pictures").mkdir()

    def complete_all(self, lines):
        """For each command line what fish would offer, all by one fish."""
        script = "source pairloom.fish\n" + "".join(
            f"echo '>'\ncomplete -C '{line}'\n" for line in lines)
        said = output_of("fish", "--no-config", "-c", script, cwd=self.home, env={**os.environ, "HOME": self.home})
        return [[hit.split("\t")[0] for hit in part.splitlines() if hit] for part in said.split(">\n")[1:]]

    def test_completes_every_verb_and_option(self):
        known = verbs()
        offered = self.complete_all(["pairloom ", "pairloom index "] + [f"pairloom {verb} -" for verb in known] + ["pairloom -"])
        self.assertEqual(set(offered[0]), {verb.split()[0] for verb in known} | {"help"})
        self.assertEqual(set(offered[1]), {v.split()[1] for v in known if v.startswith("index ")})
        for verb, options in zip(known + [""], offered[2:]):
            self.assertEqual(set(options), options_of(verb), verb)

    def test_completes_words_and_files(self):
        offered = self.complete_all(["pairloom dups --preset s", "pairloom dups --preset=s", "pairloom --index scan du",
                                     "pairloom scan my", "pairloom scan --jobs m", "pairloom index info m",
                                     "pairloom help sc"])
        self.assertEqual(offered, [["same", "similar"], ["--preset=same", "--preset=similar"], ["dups"],
                                   ["my pictures/"], [], [], ["scan"]])


if __name__ == "__main__":
    one_test.main()
