"""`eipd check`, usage errors and other things that need no AWS: none of them may send a single request."""

from __future__ import annotations

import re

from bench import ProgramCase
from program import environment, run

FAULTY = """\
[daemon]
poll_intervall = "60s"

[pools.main]
allocations = ["eipalloc-0a1b2c3d4e5f60718", "eipalloc-nonsense"]

[[functions]]
name = "billing"
pool = "mian"
"""


class Check(ProgramCase):
    def setUp(self) -> None:
        super().setUp()
        self.configure({"main": self.world.addresses(2)}, {"billing": "main"})
        self.server.journal.clear()

    def tearDown(self) -> None:
        self.assertEqual([], self.server.journal.of_program(), "offline means offline")

    def test_a_good_file(self):
        self.eipd("check")

    def test_all_faults_at_once_with_their_places(self):
        self.file.write_text(FAULTY)
        done = self.eipd("check", expect=1)
        said = done.out + done.err
        faults = {"poll_intervall": (2, "poll_interval"), "eipalloc-nonsense": (5, ""), "mian": (9, "main")}
        for found, (line, right) in faults.items():
            self.assertIn(found, said)
            self.assertRegex(said, rf"eipd\.toml\D{{0,10}}{line}\b", f"the line of {found}")
            self.assertRegex(said, rf"\b{right}\b", f"what would be right instead of {found}")

    def test_a_file_that_is_not_toml(self):
        self.file.write_text("[daemon\npoll_interval = ")
        done = self.eipd("check", expect=1)
        self.assertRegex(done.out + done.err, r"eipd\.toml\D{0,10}1\b")

    def test_a_file_that_is_not_there(self):
        self.file.unlink()
        done = self.eipd("check", expect=1)
        self.assertIn("eipd.toml", done.out + done.err)

    def test_faults_stop_every_command(self):
        self.file.write_text(FAULTY)
        for command in ("plan", "apply", "run"):
            done = self.eipd(command, expect=1)
            self.assertEqual("", done.out, "standard output is data")

    def test_a_usage_error(self):
        for arguments in (["no-such-command"], ["plan", "--no-such-option"], []):
            done = run(arguments, self.environment())
            self.assertEqual(64, done.code, str(done))

    def test_help_is_no_error(self):
        for arguments in (["--help"], ["plan", "--help"], ["--version"]):
            done = run(arguments, self.environment())
            self.assertEqual(0, done.code, str(done))
            self.assertTrue(done.out.strip())

    def test_the_file_may_be_named_by_the_environment(self):
        done = run(["check"], self.environment(EIPD_CONFIG=str(self.file)))
        self.assertEqual(0, done.code, str(done))

    def test_the_environment_overrides_a_key(self):
        wrong = self.eipd("check", expect=1, EIPD__DAEMON__POLL_INTERVAL="soon")
        self.assertTrue(re.search("poll_interval", wrong.out + wrong.err, re.IGNORECASE), str(wrong))

    def test_the_whole_configuration_may_be_in_the_environment(self):
        inline = self.file.read_text()
        self.file.unlink()
        done = run(["check"], self.environment(EIPD_CONFIG_INLINE=inline))
        self.assertEqual(0, done.code, str(done))

    def test_nobody_listens(self):
        for command in ("status", "health"):
            done = run([command, "--url", f"http://127.0.0.1:{self.port}"], environment(None, self.home))
            self.assertEqual(1, done.code, str(done))
