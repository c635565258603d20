"""What operators apply agrees with itself and with the program: the templates' policies are those of deploy/iam, which are written
from the program's own table; their configurations are valid; their way of events is that of `eipd events setup`; their
container is that of the Dockerfile. Asks nobody but the binary that EIPD_BIN names."""

import json
import os
import re
import subprocess
import tomllib
import unittest
from pathlib import Path

import yaml

from stack import Loader, Stack

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "deploy/cloudformation").glob("*.yaml"))
ROLE = "arn:aws:iam::444455556666:role/eipd"
SERVICE = {
    "Image": "eipd:1",
    "VpcId": "vpc-0a000000000000001",
    "SubnetIds": "subnet-0a000000000000001",
    "FunctionNames": "billing,reports:live",
}
SIDECAR = {
    "ApplicationImage": "app:1",
    "Image": "eipd:1",
    "TaskRoleArn": ROLE,
    "TaskRoleName": "eipd",
    "ExecutionRoleArn": ROLE,
    "ExecutionRoleName": "eipd",
    "VpcId": "vpc-0a000000000000001",
    "FunctionNames": "billing,reports:live",
}
MEMBER = {
    "CentralRoleArn": "arn:aws:iam::111122223333:role/eipd",
    "ExternalId": "eipd-prod-eu",
    "VpcId": "vpc-0a000000000000001",
    "CentralBusArn": "arn:aws:events:eu-west-1:999988887777:event-bus/default",
}
ENFORCING = {"Mode": "enforce"}
TAKING_OFF = ENFORCING | {"AllowTakingOff": "true"}
MINIMAL = (ROOT / "config/minimal.toml").read_text(encoding="utf-8")
# What a standard parameter of SSM holds (AWS's quotas of Parameter Store).
STANDARD_PARAMETER_MAX = 4096


def service(parameters=()):
    return Stack.read(ROOT / "deploy/cloudformation/eipd-service.yaml", SERVICE | dict(parameters))


def sidecar(parameters=()):
    return Stack.read(ROOT / "deploy/cloudformation/eipd-sidecar.yaml", SIDECAR | dict(parameters))


def member(parameters=()):
    return Stack.read(ROOT / "deploy/cloudformation/eipd-member.yaml", MEMBER | dict(parameters))


def many(value):
    return value if isinstance(value, list) else [value]


def merged(statements):
    """The statements by their ids; what several say of one resource is one."""
    by_id = {}
    for statement in statements:
        said = {
            "Effect": statement["Effect"],
            "Action": set(many(statement["Action"])),
            "Resource": set(many(statement["Resource"])),
            "Condition": statement.get("Condition", {}),
        }
        known = by_id.setdefault(statement["Sid"], said)
        if {**known, "Action": 0} != {**said, "Action": 0}:
            raise AssertionError(f"{statement['Sid']} means two things")
        known["Action"] |= said["Action"]
    return by_id


def documents(*names):
    """The statements of policies in deploy/iam."""
    texts = [(ROOT / f"deploy/iam/{name}.json").read_text(encoding="utf-8") for name in names]
    return merged(statement for text in texts for statement in json.loads(text)["Statement"])


def of_role(stack, role):
    policies = stack.properties(role)["Policies"]
    return merged(it for policy in policies for it in policy["PolicyDocument"]["Statement"])


def of_policies(stack, *names):
    return merged(it for name in names for it in stack.properties(name)["PolicyDocument"]["Statement"])


def eipd(*line, configuration):
    environment = {"EIPD_CONFIG_INLINE": configuration, "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        [os.environ["EIPD_BIN"], *line], env=environment, capture_output=True, text=True, check=False, timeout=30
    )


class PolicyTest(unittest.TestCase):
    def test_the_service_may_do_what_the_documents_say(self):
        always = ["tags", "events", "notify"]
        self.assertEqual(of_role(service(), "TaskRole"), documents("observe", *always))
        self.assertEqual(of_role(service(ENFORCING), "TaskRole"), documents("enforce", *always))
        taking_off = documents("enforce", "take-off", *always)
        self.assertEqual(of_role(service(TAKING_OFF), "TaskRole"), taking_off)
        with_members = service(ENFORCING | {"MemberRoleArns": ROLE})
        self.assertEqual(of_role(with_members, "TaskRole"), documents("enforce", "accounts", *always))

    def test_a_shared_vpc_is_its_owners(self):
        shared = {"Mode": "enforce", "VpcOwner": "777788889999"}
        of_sidecar = of_policies(sidecar(shared), "TaskPolicy", "EnforcePolicy")
        for statements in [of_role(service(shared), "TaskRole"), of_role(member(shared), "Role"), of_sidecar]:
            vpc = statements["InterfacesByVpc"]["Condition"]["ArnEquals"]["ec2:Vpc"]
            self.assertEqual(vpc, "arn:aws:ec2:eu-west-1:777788889999:vpc/vpc-0a000000000000001")
            resources = statements["InterfacesByVpc"]["Resource"]
            self.assertEqual(resources, {"arn:aws:ec2:eu-west-1:111122223333:network-interface/*"})

    def test_what_starts_a_task_may_pull_the_image_from_its_repository(self):
        repository = "arn:aws:ecr:eu-west-1:111122223333:repository/eipd"
        statements = of_role(service({"ImageRepositoryArn": repository}), "ExecutionRole")
        self.assertEqual(statements["Image"]["Resource"], {repository})
        self.assertEqual(statements["LogIn"]["Action"], {"ecr:GetAuthorizationToken"})

    def test_to_take_off_needs_to_enforce(self):
        observing = service({"AllowTakingOff": "true"})
        self.assertEqual(of_role(observing, "TaskRole"), of_role(service(), "TaskRole"))

    def test_the_sidecar_may_do_what_the_documents_say(self):
        self.assertEqual(of_policies(sidecar(), "TaskPolicy"), documents("observe"))
        self.assertNotIn("EnforcePolicy", sidecar().resources())
        enforcing = of_policies(sidecar(ENFORCING), "TaskPolicy", "EnforcePolicy")
        self.assertEqual(enforcing, documents("enforce"))

    def test_the_member_role_may_do_what_the_documents_say(self):
        self.assertEqual(of_role(member(), "Role"), documents("member"))
        self.assertEqual(of_role(member(TAKING_OFF), "Role"), documents("member", "take-off"))
        self.assertEqual(of_role(member({"Mode": "observe"}), "Role"), documents("observe", "tags"))

    def test_the_member_role_trusts_whom_the_document_says(self):
        trusted = member().properties("Role")["AssumeRolePolicyDocument"]
        trust = json.loads((ROOT / "deploy/iam/member-trust.json").read_text(encoding="utf-8"))
        self.assertEqual(trusted, trust)

    def test_what_starts_a_task_may_read_its_configuration_and_no_more(self):
        of_service = of_role(service(), "ExecutionRole")
        self.assertEqual(set(of_service), {"Configuration", "Log"})
        name = service().properties("ConfigurationParameter")["Name"]
        arn = f"arn:aws:ssm:eu-west-1:111122223333:parameter{name}"
        self.assertEqual(of_service["Configuration"]["Resource"], {arn})
        of_sidecar = of_policies(sidecar(), "ExecutionPolicy")
        name = sidecar().properties("ConfigurationParameter")["Name"]
        self.assertEqual(of_sidecar["Configuration"]["Resource"], {f"arn:aws:ssm:eu-west-1:111122223333:parameter{name}"})

    def test_each_statement_says_why(self):
        for path in TEMPLATES:
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines):
                if line.strip().startswith("- Sid:"):
                    self.assertTrue(lines[number - 1].strip().startswith("#"), f"{path.name}:{number + 1}")


class ConfigurationTest(unittest.TestCase):
    def test_what_the_templates_write_is_valid(self):
        for make in [service, sidecar]:
            for mode in ["observe", "enforce"]:
                value = make({"Mode": mode}).properties("ConfigurationParameter")["Value"]
                with self.subTest(template=make.__name__, mode=mode):
                    checked = eipd("check", configuration=value)
                    self.assertEqual(checked.returncode, 0, checked.stderr + value)
                    self.assertLess(len(value.encode()), STANDARD_PARAMETER_MAX)
                    written = tomllib.loads(value)
                    self.assertEqual(written["safety"]["mode"], mode)
                    self.assertEqual([it["name"] for it in written["functions"]], ["billing", "reports:live"])

    def test_the_pool_is_that_of_the_addresses(self):
        stack = service({"AddressCount": "6"})
        written = tomllib.loads(stack.properties("ConfigurationParameter")["Value"])
        addresses = [name for name in stack.resources() if name.startswith("Address")]
        self.assertEqual(len(addresses), 6)
        for name in addresses:
            tags = {it["Key"]: it["Value"] for it in stack.properties(name)["Tags"]}
            self.assertEqual(f"eipd:pool={tags['eipd:pool']}", written["pools"]["main"]["tag"])
            self.assertEqual(tags["managed-by"], "eipd")
        self.assertEqual(written["events"]["queue_url"], stack.resolve({"Ref": "Queue"}))

    def test_there_are_as_many_addresses_as_asked_for(self):
        for count in range(2, 7):
            stack = service({"AddressCount": str(count)})
            addresses = [name for name in stack.resources() if name.startswith("Address")]
            self.assertEqual(len(addresses), count)
            told = stack.resolve(stack.template["Outputs"]["Addresses"]["Value"])
            self.assertEqual(told.split(","), [f"<{name}>" for name in addresses])

    def test_addresses_outlive_the_stack_but_not_a_creation_that_fails(self):
        for resource in service().template["Resources"].values():
            if resource["Type"] == "AWS::EC2::EIP":
                policies = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
                self.assertEqual(policies, ("RetainExceptOnCreate", "Retain"))

    def test_replicas_share_half_of_the_rate(self):
        for replicas in range(4):
            value = service({"Replicas": str(replicas)}).properties("ConfigurationParameter")["Value"]
            share = tomllib.loads(value)["safety"]["rate_share"]
            self.assertAlmostEqual(share * max(replicas, 1), 0.5, delta=0.03)
            self.assertEqual(eipd("check", configuration=value).returncode, 0, value)
        value = sidecar({"RateShare": "0.05"}).properties("ConfigurationParameter")["Value"]
        self.assertEqual(tomllib.loads(value)["safety"]["rate_share"], 0.05)
        self.assertEqual(eipd("check", configuration=value).returncode, 0, value)

    def test_one_of_the_operators_own_is_taken_as_it_is(self):
        stack = service({"FunctionNames": "", "Configuration": "# mine"})
        self.assertEqual(stack.properties("ConfigurationParameter")["Value"], "# mine")


class EventsTest(unittest.TestCase):
    def setUp(self):
        printed = eipd("events", "setup", "--print", "cloudformation", configuration=MINIMAL)
        self.assertEqual(printed.returncode, 0, printed.stderr)
        self.wanted = Stack(json.loads(printed.stdout))

    def test_the_service_has_the_way_of_events_that_setup_makes(self):
        for name in ["DeadLetterQueue", "DeadLetterQueuePolicy", "Queue", "QueuePolicy", "Rule"]:
            self.assertEqual(service().properties(name), self.wanted.properties(name), name)

    def test_a_member_sends_the_same_events(self):
        wanted = self.wanted.properties("Rule")["EventPattern"]
        self.assertEqual(member().properties("Rule")["EventPattern"], wanted)

    def test_a_member_may_send_to_the_central_bus_alone(self):
        self.assertEqual(of_role(member(), "RuleRole")["CentralBus"]["Resource"], {MEMBER["CentralBusArn"]})
        self.assertNotIn("Rule", member({"CentralBusArn": ""}).resources())


class ContainerTest(unittest.TestCase):
    def setUp(self):
        self.dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        self.manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))

    def container(self, stack):
        return next(it for it in stack.properties("TaskDefinition")["ContainerDefinitions"] if it["Name"] == "eipd")

    def test_a_task_runs_the_image_as_it_is_meant(self):
        health = re.search(
            r"^HEALTHCHECK --interval=(\d+)s --timeout=(\d+)s --start-period=(\d+)s --retries=(\d+) CMD (.*)$",
            self.dockerfile,
            re.MULTILINE,
        )
        interval, timeout, start, retries = map(int, health.groups()[:4])
        user = re.search(r"^USER (.*)$", self.dockerfile, re.MULTILINE).group(1)
        for stack in [service(), sidecar()]:
            container = self.container(stack)
            self.assertEqual(container["User"], user)
            self.assertTrue(container["ReadonlyRootFilesystem"])
            check = container["HealthCheck"]
            self.assertEqual(check["Command"], ["CMD", *json.loads(health.group(5))])
            self.assertEqual(
                (check["Interval"], check["Timeout"], check["StartPeriod"], check["Retries"]),
                (interval, timeout, start, retries),
            )
            self.assertGreater(container["StopTimeout"], 10)
            self.assertEqual([it["Name"] for it in container["Secrets"]], ["EIPD_CONFIG_INLINE"])

    def test_a_new_configuration_is_a_new_task_definition(self):
        for make in [service, sidecar]:
            label = self.container(make())["DockerLabels"]["eipd.configuration"]
            self.assertEqual(label, make().properties("ConfigurationParameter")["Value"])

    def test_a_sidecar_ends_the_task_only_if_that_is_wanted(self):
        self.assertEqual(self.container(sidecar())["Essential"], "false")
        self.assertEqual(self.container(sidecar({"Essential": "true"}))["Essential"], "true")

    def test_an_application_depends_on_its_sidecar(self):
        application = sidecar().properties("TaskDefinition")["ContainerDefinitions"][1]
        self.assertEqual(application["DependsOn"], [{"ContainerName": "eipd", "Condition": "HEALTHY"}])

    def test_the_image_says_its_version_and_is_built_by_the_rust_that_the_manifest_asks_for(self):
        version = self.manifest["package"]["version"]
        self.assertIn(f'org.opencontainers.image.version="{version}"', self.dockerfile)
        rust = self.manifest["workspace"]["package"]["rust-version"]
        self.assertIn(f"ARG RUST_VERSION={rust}\n", self.dockerfile)


class AlarmTest(unittest.TestCase):
    def test_a_daemon_that_sees_nothing_raises_an_alarm(self):
        journal = (ROOT / "src/telemetry/journal.rs").read_text(encoding="utf-8")
        for stack in [service(), sidecar()]:
            pattern = stack.properties("BlindFilter")["FilterPattern"]
            line = re.fullmatch(r'\{ \$\.message = "(.*)" \}', pattern).group(1)
            self.assertIn(f'"{line}"\n', journal)
            transformation = stack.properties("BlindFilter")["MetricTransformations"][0]
            alarm = stack.properties("BlindAlarm")
            told = (transformation["MetricNamespace"], transformation["MetricName"])
            self.assertEqual(told, (alarm["Namespace"], alarm["MetricName"]))
            # A line comes with the first pass that ends ten minutes after the last: a quarter of an hour later at most while
            # passes fail, and where they succeed and see a part, a poll_interval. What CloudWatch allows is full minutes.
            self.assertGreaterEqual(alarm["Period"], (10 + 15 + 5) * 60)
            self.assertEqual(alarm["Period"] % 60, 0)
            self.assertLessEqual(alarm["Period"] * alarm["EvaluationPeriods"], 86_400)
            self.assertEqual((alarm["Statistic"], alarm["Threshold"]), ("Sum", 0))

    def test_people_are_told_of_every_change_for_the_worse(self):
        told = set(service().properties("NotificationRule")["EventPattern"]["detail-type"])
        worse = {"Network Interface Uncovered", "Function Unservable", "Pool Exhausted", "Elastic IP Contested", "Breaker Opened"}
        self.assertLessEqual(worse, told)
        document = (ROOT / "docs/NOTIFICATIONS.md").read_text(encoding="utf-8")
        for kind in told:
            self.assertIn(f"| {kind} | `", document)

    def test_a_sidecar_tells_a_topic_if_there_is_one(self):
        self.assertNotIn("DownRule", sidecar().resources())
        self.assertEqual(sidecar().properties("BlindAlarm")["AlarmActions"], [])
        topic = "arn:aws:sns:eu-west-1:111122223333:ops"
        telling = sidecar({"AlarmTopicArn": topic})
        self.assertEqual(telling.properties("BlindAlarm")["AlarmActions"], [topic])
        self.assertEqual(telling.properties("DownRule")["Targets"][0]["Arn"], topic)


class TemplateTest(unittest.TestCase):
    def test_the_longest_names_fit(self):
        longest = {"Name": "a" * 56}
        statement = service(longest | {"MemberAccounts": "444455556666"}).properties("MembersMaySend")["StatementId"]
        self.assertLessEqual(len(statement), 64)
        with self.assertRaises(ValueError):
            service({"Name": "a" * 57})
        role = member({"Name": "a" * 48}).properties("Role")["RoleName"]
        self.assertLessEqual(len(role) - len("eu-west-1") + len("us-isof-south-1"), 64)
        with self.assertRaises(ValueError):
            member({"Name": "a" * 49})

    def test_tasks_are_registered_where_a_namespace_is_given(self):
        self.assertNotIn("Discovery", service().resources())
        self.assertNotIn("ServiceRegistries", service().properties("Service"))
        registered = service({"NamespaceId": "ns-0a1b2c3d4e5f"})
        self.assertEqual(registered.properties("Service")["ServiceRegistries"], [{"RegistryArn": "<Discovery.Arn>"}])

    def test_cloudformation_knows_no_aliases(self):
        for path in TEMPLATES:
            with open(path, encoding="utf-8") as file:
                tokens = list(yaml.scan(file, Loader))
            used = [it for it in tokens if isinstance(it, (yaml.AnchorToken, yaml.AliasToken))]
            self.assertEqual(used, [], path.name)

    def test_a_parameter_that_does_not_fit_is_refused(self):
        with self.assertRaises(ValueError):
            member({"ExternalId": "x"})
        with self.assertRaises(ValueError):
            service({"NoSuch": "x"})


if __name__ == "__main__":
    unittest.main()
