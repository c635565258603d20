"""`eipd run`: it heals, keeps healed, tells what it does, and ends when told to."""

from __future__ import annotations

import json
import re
import signal

import aws_like
from bench import TwoFunctions
from program import environment, free_port, run, samples


class DaemonCase(TwoFunctions):
    def ask(self, *arguments: str):
        """A command that asks the running daemon and knows nothing but its address."""
        command, *rest = arguments
        return run([command, "--url", f"http://127.0.0.1:{self.port}", *rest], environment(None, self.home))

    def healed(self, daemon) -> None:
        daemon.wait_until("all interfaces have their addresses", lambda: self.covered(self.bare, self.pool))

    def ends_well(self, daemon) -> None:
        code, _ = daemon.end()
        self.assertEqual(0, code, daemon.account())


class Healing(DaemonCase):
    def test_heals_and_heals_again(self):
        with self.daemon() as daemon:
            self.healed(daemon)
            self.world.disassociate(self.world.truth()[self.bare[0]])
            self.assertFalse(self.covered(self.bare, self.pool))
            self.healed(daemon)
            self.world.disassociate(self.world.truth()[self.bare[2]])
            self.healed(daemon)
            self.ends_well(daemon)
        self.assert_only_associates()
        self.assert_foreign_untouched()

    def test_new_interfaces_are_found(self):
        # One more than is needed: the daemon's own write may count for two minutes, although its interface is gone.
        self.pool.append(self.world.address())
        self.configure({"main": self.pool}, {"billing": "main", "orders": "main"})
        with self.daemon() as daemon:
            self.healed(daemon)
            self.world.lambda_removes(self.bare[0])
            self.bare[0] = self.world.lambda_interface(self.world.subnet_a)
            self.healed(daemon)
            self.bare.append(self.world.lambda_interface(self.world.subnet_b))
            self.healed(daemon)
            self.ends_well(daemon)
        self.assert_foreign_untouched()

    def test_a_changed_vpc_configuration_is_found(self):
        with self.daemon() as daemon:
            self.healed(daemon)
            old = self.world.truth()[self.bare[2]]
            settings = {"SubnetIds": [self.world.subnet_b], "SecurityGroupIds": [self.world.other_group]}
            self.world.functions.update_function_configuration(FunctionName="orders", VpcConfig=settings)
            self.bare.append(self.world.lambda_interface(self.world.subnet_b, [self.world.other_group]))
            self.healed(daemon)
            self.assertEqual(old, self.world.truth()[self.bare[2]], "the old one keeps its address")
            self.ends_well(daemon)

    def test_quiet_when_all_is_well(self):
        with self.daemon() as daemon:
            self.healed(daemon)
            self.server.journal.clear()
            daemon.makes_passes(3)
            self.assert_nothing_changed()
            self.ends_well(daemon)

    def test_observe_changes_nothing(self):
        with self.daemon("--observe") as daemon:
            daemon.makes_passes(3)
            self.assertEqual(1, daemon.metric("eipd_observe_only", target="default"))
            self.assertEqual(3, daemon.metric("eipd_unassociated_network_interfaces", pool="main", why="bare"))
            self.assertFalse(daemon.metric("eipd_changes_total", outcome="done"))
            self.ends_well(daemon)
        self.assert_nothing_changed()
        self.assertEqual({}, self.world.truth())

    def test_two_daemons_on_one_list(self):
        with self.daemon() as one, self.another_daemon() as two:
            self.healed(one)
            one.makes_passes(2)
            two.makes_passes(2)
            settled = self.world.truth()
            self.world.disassociate(settled[self.bare[1]])
            self.healed(one)
            self.ends_well(two)
            self.ends_well(one)
        truth = self.world.truth()
        self.assertEqual(set(self.bare), set(truth))
        self.assertEqual(settled[self.bare[0]], truth[self.bare[0]], "what was healthy stayed")
        self.assert_only_associates()

    def another_daemon(self):
        """The same list, read from a file of its own because it listens elsewhere."""
        self.file, self.port = self.home / "another.toml", free_port()
        self.configure({"main": self.pool}, {"billing": "main", "orders": "main"})
        return self.daemon()


METRICS = {
    "eipd_network_interfaces": ("gauge", "target pool"),
    "eipd_unassociated_network_interfaces": ("gauge", "target pool why"),
    "eipd_function_uncovered_network_interfaces": ("gauge", "target function"),
    "eipd_oldest_uncovered_seconds": ("gauge", "target"),
    "eipd_pool_addresses": ("gauge", "target pool state"),
    "eipd_pool_shortfall": ("gauge", "target pool"),
    "eipd_drift": ("gauge", "target kind"),
    "eipd_breaker_open": ("gauge", "target"),
    "eipd_observe_only": ("gauge", "target"),
    "eipd_contested_addresses": ("gauge", "target"),
    "eipd_config_last_reload_successful": ("gauge", ""),
    "eipd_changes_total": ("counter", "target action outcome"),
    "eipd_passes_total": ("counter", "target trigger outcome"),
    "eipd_pass_duration_seconds": ("histogram", "target"),
    "eipd_last_success_timestamp_seconds": ("gauge", "target"),
    "eipd_repair_seconds": ("histogram", "target origin"),
    "eipd_uncovered_seconds_total": ("counter", "target function"),
    "eipd_aws_requests_total": ("counter", "service operation outcome"),
    "eipd_aws_request_duration_seconds": ("histogram", "service operation outcome"),
    "eipd_build_info": ("gauge", "version revision"),
}
"""CONTRACT.md's table, but for the metrics of events, which need a queue."""


class Telling(DaemonCase):
    def test_every_metric_of_the_contract(self):
        with self.daemon() as daemon:
            self.healed(daemon)
            self.settled(daemon)
            text = daemon.get("/metrics")[1]
            self.ends_well(daemon)
        read = samples(text)
        for name, (kind, labels) in METRICS.items():
            self.assertIn(f"# TYPE {name} {kind}\n", text)
            sample = f"{name}_count" if kind == "histogram" else name
            found = [set(own) for each, own, _ in read if each == sample]
            self.assertTrue(found, f"{name} has no samples")
            self.assertEqual([set(labels.split())] * len(found), found, name)
        ids = re.compile(r"(eni|eipalloc|subnet|sg)-[0-9a-f]{8}")
        self.assertFalse(ids.search(text), "an id in a label makes a series for each interface")

    def test_metrics(self):
        with self.daemon() as daemon:
            self.healed(daemon)
            self.settled(daemon)
            default = {"target": "default"}
            self.assertEqual(3, daemon.metric("eipd_network_interfaces", pool="main", **default))
            self.assertEqual(3, self.changes(daemon))
            self.assertEqual(3, daemon.metric("eipd_pool_addresses", pool="main", state="associated", **default))
            self.assertEqual(1, daemon.metric("eipd_pool_addresses", pool="main", state="spare", **default))
            self.assertFalse(daemon.metric("eipd_oldest_uncovered_seconds", **default))
            self.assertEqual(0, daemon.metric("eipd_observe_only", **default))
            self.assertEqual(1, daemon.metric("eipd_build_info"))
            self.assertGreater(daemon.metric("eipd_aws_requests_total", service="ec2", outcome="ok"), 0)
            self.assertGreater(daemon.metric("eipd_last_success_timestamp_seconds", **default), 1_600_000_000)
            self.world.disassociate(self.world.truth()[self.bare[0]])
            self.healed(daemon)
            daemon.wait_until("the fourth change is counted", lambda: self.changes(daemon) == 4)
            self.ends_well(daemon)

    def changes(self, daemon):
        return daemon.metric("eipd_changes_total", target="default", action="associate", outcome="done")

    def settled(self, daemon) -> None:
        """The metrics are those of a pass, so they follow the last change by one."""
        daemon.wait_until(
            "no interface counts as uncovered",
            lambda: daemon.metric("eipd_unassociated_network_interfaces", target="default", pool="main") == 0,
        )

    def test_a_short_pool_shows(self):
        self.configure({"main": self.pool[:2]}, {"billing": "main", "orders": "main"})
        with self.daemon() as daemon:
            daemon.wait_until("one is left over", lambda: self.left_over(daemon) == 1)
            self.assertEqual(3, daemon.metric("eipd_network_interfaces", pool="main"))
            self.assertEqual(1, daemon.metric("eipd_function_uncovered_network_interfaces"))
            self.assertGreaterEqual(daemon.metric("eipd_pool_shortfall", pool="main"), 1)
            asked = self.ask("status", "--format", "json")
            self.assertEqual(2, asked.code, str(asked))
            self.assertEqual(200, daemon.get("/healthz")[0], "uncovered is not unhealthy")
            self.ends_well(daemon)

    def left_over(self, daemon):
        return daemon.metric("eipd_unassociated_network_interfaces", pool="main", why="bare")

    def test_status_and_health(self):
        with self.daemon() as daemon:
            daemon.ready()
            self.healed(daemon)
            self.settled(daemon)
            self.assertEqual(200, daemon.get("/healthz")[0])
            self.assertEqual(200, daemon.get("/")[0])
            code, text = daemon.get("/status")
            self.assertEqual(200, code)
            self.assertIn("default", text)
            self.assertTrue(json.loads(text))
            for arguments in (["status"], ["status", "--format", "json"], ["health"]):
                asked = self.ask(*arguments)
                self.assertEqual(0, asked.code, str(asked))
            self.assertTrue(self.ask("status", "--format", "json").json())
            self.ends_well(daemon)
        self.assertEqual(1, self.ask("health").code)
        self.assertEqual(1, self.ask("status").code)

    def test_an_outage_of_aws_is_not_illness(self):
        with self.daemon() as daemon:
            self.healed(daemon)
            before = self.world.truth()
            self.server.denied.update({"DescribeNetworkInterfaces", "DescribeAddresses"})
            daemon.wait_until("refusals are counted", lambda: self.refusals(daemon) > 0)
            self.assertEqual(200, daemon.get("/healthz")[0])
            self.assertEqual(before, self.world.truth())
            self.server.denied.clear()
            self.world.disassociate(before[self.bare[0]])
            self.healed(daemon)
            self.ends_well(daemon)

    def refusals(self, daemon) -> float:
        every = daemon.metric("eipd_aws_requests_total", service="ec2") or 0
        return every - (daemon.metric("eipd_aws_requests_total", service="ec2", outcome="ok") or 0)


class Ending(DaemonCase):
    def test_either_signal_ends_it(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.daemon() as daemon:
                daemon.ready()
                code, seconds = daemon.end(number)
                self.assertEqual(0, code, daemon.account())
                self.assertLess(seconds, 10)

    def test_a_signal_while_aws_is_unreachable(self):
        with self.daemon(AWS_ENDPOINT_URL="http://127.0.0.1:1") as daemon:
            daemon.wait_until("it listens", lambda: daemon.get("/healthz")[0])
            self.ends_well(daemon)


class Reloading(DaemonCase):
    def test_a_longer_list_is_taken_up(self):
        self.configure({"main": self.pool[:1]}, {"billing": "main", "orders": "main"})
        with self.daemon() as daemon:
            daemon.wait_until("the only address is given", lambda: len(self.world.truth()) == 1)
            self.configure({"main": self.pool}, {"billing": "main", "orders": "main"})
            daemon.process.send_signal(signal.SIGHUP)
            self.healed(daemon)
            self.ends_well(daemon)

    def test_a_bad_file_keeps_the_old_list(self):
        with self.daemon() as daemon:
            self.healed(daemon)
            self.assertEqual(1, daemon.metric("eipd_config_last_reload_successful"))
            good = self.file.read_text()
            self.file.write_text(good.replace("allocations", "alocations"))
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_until("the fault shows", lambda: daemon.metric("eipd_config_last_reload_successful") == 0)
            self.world.disassociate(self.world.truth()[self.bare[0]])
            self.healed(daemon)
            self.file.write_text(good)
            daemon.wait_until("the file is taken up", lambda: daemon.metric("eipd_config_last_reload_successful") == 1)
            self.ends_well(daemon)


class UnderEachBelief(DaemonCase):
    """What AWS leaves open must not matter to the promise."""

    def test_busy_interfaces(self):
        for alternative in ("replaced", "refused"):
            aws_like.OPEN.busy_interface = alternative
            with self.daemon() as daemon:
                self.healed(daemon)
                self.ends_well(daemon)
            for allocation in self.world.truth().values():
                self.world.disassociate(allocation)
