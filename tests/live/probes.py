"""What is done to find out, belief by belief. Each probe says what it saw, or why it could not tell; it never guesses.

The story: a function comes (pair A), gets an address, is moved to another security group (pair B), and is taken out of
the VPC; on the way everything is asked that can be asked.
"""

from __future__ import annotations

import json
import re
import threading
import time

from botocore.exceptions import ClientError

from account import Stage, code_of
from beliefs import Findings

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

ALREADY = "Resource.AlreadyAssociated"


def strange(identifier: str) -> str:
    """An id of the same form that nobody has, but for a chance of one in some billions of billions."""
    kind, _, number = identifier.partition("-")
    return f"{kind}-{number[:1]}{int(number[1:], 16) ^ 0x5A5A5A5A5A5A5A5A:016x}"


class Story:
    """The probes and what they share."""

    def __init__(self, stage: Stage, findings: Findings, patience: float, slowest: int, throttle: bool) -> None:
        self.stage, self.findings, self.patience = stage, findings, patience
        self.slowest, self.throttle = slowest, throttle
        self.ec2, self.functions = stage.clients.ec2, stage.clients.functions
        self.subnet = ""
        self.groups: dict[str, str] = {}
        self.first: dict = {}
        self.second: dict = {}
        self.queue = ""
        self.unused_since = 0.0
        """From then on nothing of the first configuration can still run."""

    def run(self, wanted_subnet: str | None, role: str | None) -> None:
        """Makes everything and asks everything."""
        self.set_the_stage(wanted_subnet)
        function_role = role or self.stage.make_role()
        self.stage.make_function(function_role, self.subnet, self.groups["a"], self.slowest)
        interface = self.watch_it_come()
        if not self.carries_an_address(interface):
            return
        self.ask_about_associations(interface)
        self.ask_about_ids(interface)
        self.ask_about_buckets()
        second = self.watch_it_change(interface)
        self.watch_it_leave(interface, second)
        self.read_the_events()

    def set_the_stage(self, wanted_subnet: str | None) -> None:
        self.subnet, vpc = self.stage.find_subnet(wanted_subnet)
        names = ["AssociateAddress", "DisassociateAddress", "CreateNetworkInterface"]
        pattern = {"source": ["aws.ec2"], "detail": {"eventSource": ["ec2.amazonaws.com"], "eventName": names}}
        self.queue = self.stage.make_queue(pattern)
        self.groups = {name: self.stage.make_group(vpc, name) for name in ("a", "b")}
        self.first, self.second = self.stage.make_address(), self.stage.make_address()

    # What is read again and again.

    def configuration(self) -> dict:
        return self.functions.get_function_configuration(FunctionName=self.stage.prefix)

    def interfaces(self, group: str, managed: bool = True) -> list[dict]:
        """The interfaces with this group, by a filter and not by id."""
        asked = {"IncludeManagedResources": True} if managed else {}
        filters = [{"Name": "group-id", "Values": [self.groups[group]]}]
        return self.ec2.describe_network_interfaces(Filters=filters, **asked)["NetworkInterfaces"]

    def until(self, what: str, look, patience: float | None = None):
        """Looks until there is something to see; nothing when it takes too long."""
        end = time.monotonic() + (patience or self.patience)
        while time.monotonic() < end:
            if seen := look():
                return seen
            time.sleep(self.stage.pause)
        print(f"live: gave up waiting: {what}", flush=True)
        return None

    def associate(self, address: dict, interface: str, allow: bool = False) -> tuple[str, str]:
        """The association's id, or the error's code."""
        try:
            done = self.ec2.associate_address(
                AllocationId=address["AllocationId"], NetworkInterfaceId=interface, AllowReassociation=allow
            )
            return done["AssociationId"], ""
        except ClientError as error:
            return "", code_of(error)

    def association(self, address: dict) -> dict:
        wanted = [{"Name": "allocation-id", "Values": [address["AllocationId"]]}]
        return self.ec2.describe_addresses(Filters=wanted)["Addresses"][0]

    def free(self, address: dict) -> None:
        if association := self.association(address).get("AssociationId"):
            self.ec2.disassociate_address(AssociationId=association)

    # The function comes.

    def watch_it_come(self) -> str:
        """B3, B7, B15, B17, B18: what a new function and its interface look like."""
        seen = {"pending": None, "interface": None}

        def look():
            function = self.configuration()
            if function.get("State") == "Pending" and seen["pending"] is None:
                seen["pending"] = function
                self.tell_pending(function)
            found = self.interfaces("a")
            if found and seen["interface"] is None:
                seen["interface"] = found[0]
                self.tell_first_sight(found[0], function)
            return found and function.get("State") == "Active" and function

        if not self.until("the function is Active and has an interface", look):
            raise SystemExit("live: the function did not become Active")
        if seen["pending"] is None:
            self.findings.unsettled(15, "the function was never seen Pending")
        return seen["interface"]["NetworkInterfaceId"]

    def tell_pending(self, function: dict) -> None:
        status = function.get("LastUpdateStatus")
        places = {None: 0, "InProgress": 1, "Successful": 2}
        if status in places:
            self.findings.settle(15, places[status])
        else:
            self.findings.unsettled(15, f"neither: it is {status}")

    def tell_first_sight(self, interface: dict, function: dict) -> None:
        status, identity = interface["Status"], interface["NetworkInterfaceId"]
        places = {"pending": 0, "available": 1, "in-use": 2}
        if status == "in-use" and function.get("State") != "Pending":
            self.findings.unsettled(3, "it was seen too late, when the function was Active already")
        elif status in places:
            self.findings.settle(3, places[status])
        else:
            self.findings.unsettled(3, f"none of them: {status}")
        if status == "pending":
            _, code = self.associate(self.first, identity)
            if code in ("", "IncorrectState"):
                self.findings.settle(17, 1 if code else 0)
            else:
                self.findings.unsettled(17, f"neither: refused with {code}")
        else:
            self.findings.unsettled(17, "no interface was seen pending")
        self.findings.settle(7, 0 if interface.get("RequesterManaged") else 1)
        text = interface.get("Description", "")
        named = f"AWS Lambda VPC ENI-{self.stage.prefix}"
        forms = [re.escape(named), f"{re.escape(named)}-{UUID}", f"AWS Lambda VPC ENI: {UUID}"]
        fits = [place for place, form in enumerate(forms) if re.fullmatch(form, text)]
        if fits:
            self.findings.settle(18, fits[0])
        else:
            self.findings.unsettled(18, f"none of them: {text!r}")

    # The address.

    def carries_an_address(self, interface: str) -> bool:
        """What eipd stands on: an Elastic IP on the interface, and that it is the way out."""
        what = "an Elastic IP on a Lambda interface"
        _, code = self.associate(self.first, interface)
        if code:
            self.findings.add(what, f"REFUSED with {code}: eipd can't work here, and the rest was not tried")
            return False
        self.findings.add(what, "accepted")
        ip = self.first["PublicIp"]
        last = {}

        def look():
            answer = self.functions.invoke(FunctionName=self.stage.prefix, Payload=b"{}")
            last.update(json.loads(answer["Payload"].read()))
            return last.get("address") == ip

        found = self.until("invocations leave from it", look, min(self.patience, 180))
        self.findings.add("invocations leave from that address", "yes" if found else f"NO, after 3 minutes: {last}")
        return True

    def ask_about_associations(self, interface: str) -> None:
        """B5, B1, B6."""
        before = self.association(self.first).get("AssociationId")
        again, code = self.associate(self.first, interface)
        if code:
            self.findings.unsettled(5, f"neither: refused with {code}")
        else:
            self.findings.settle(5, 0 if again == before else 1)
        _, code = self.associate(self.second, interface)
        if code == "":
            was = self.association(self.first).get("AssociationId")
            if was is None:
                self.findings.settle(1, 0)
            else:
                self.findings.unsettled(1, "none of them: the interface carries both addresses")
        elif code == ALREADY:
            _, code = self.associate(self.second, interface, allow=True)
            if code in ("", ALREADY):
                self.findings.settle(1, 2 if code else 1)
            else:
                self.findings.unsettled(1, f"refused with {ALREADY}, and with true allowed by {code}")
        else:
            self.findings.unsettled(1, f"none of them: refused with {code}")
        self.free(self.first)
        association, code = self.associate(self.second, interface)
        if code:
            association = self.association(self.second).get("AssociationId", "")
        if not association:
            self.findings.unsettled(6, f"there was no association to end: {code}")
            return
        self.ec2.disassociate_address(AssociationId=association)
        time.sleep(self.stage.pause)
        try:
            self.ec2.disassociate_address(AssociationId=association)
            self.findings.settle(6, 0)
        except ClientError as error:
            if code_of(error) == "InvalidAssociationID.NotFound":
                self.findings.settle(6, 1)
            else:
                self.findings.unsettled(6, f"neither: {code_of(error)}")

    def ask_about_ids(self, interface: str) -> None:
        """B4, B12, B8, B21: reads with what does not exist, or was not asked for."""
        known = self.first["AllocationId"]
        self.partly_unknown(
            4, "InvalidAllocationID.NotFound",
            lambda: self.ec2.describe_addresses(AllocationIds=[known, strange(known)])["Addresses"],
        )
        self.partly_unknown(
            12, "InvalidNetworkInterfaceID.NotFound",
            lambda: self.ec2.describe_network_interfaces(
                NetworkInterfaceIds=[interface, strange(interface)], IncludeManagedResources=True
            )["NetworkInterfaces"],
        )
        plain = self.interfaces("a", managed=False)
        self.findings.settle(8, 0 if plain else 1, "under this account's visibility of managed resources")
        entry = {"Source": "eipd.live", "DetailType": "nothing", "Detail": "{}", "EventBusName": f"{self.stage.prefix}-no"}
        try:
            answer = self.stage.clients.events.put_events(Entries=[entry])
            self.findings.settle(21, 1 if answer["FailedEntryCount"] else 0)
        except ClientError as error:
            self.findings.unsettled(21, f"neither: the whole call fails with {code_of(error)}")

    def partly_unknown(self, number: int, expected: str, call) -> None:
        try:
            found = call()
        except ClientError as error:
            if code_of(error) == expected:
                self.findings.settle(number, 0)
            else:
                self.findings.unsettled(number, f"neither: {code_of(error)}")
            return
        if len(found) == 1:
            self.findings.settle(number, 1)
        else:
            self.findings.unsettled(number, f"neither: {len(found)} were shown")

    def ask_about_buckets(self) -> None:
        """B16: dry runs of one operation until it is throttled, and then another one."""
        if not self.throttle:
            self.findings.unsettled(16, "not tried: it throttles the region for all; ask with --throttle")
            return
        dry = {"AllocationId": self.first["AllocationId"], "NetworkInterfaceId": "eni-00000000000000001", "DryRun": True}
        busy = threading.Event()

        def hammer() -> None:
            while not stop.is_set():
                try:
                    self.stage.clients.impatient.associate_address(**dry)
                except ClientError as error:
                    if code_of(error) == "RequestLimitExceeded":
                        busy.set()

        stop = threading.Event()
        threads = [threading.Thread(target=hammer, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        throttled, tries = 0, 10
        if busy.wait(60):
            for _ in range(tries):
                try:
                    self.stage.clients.impatient.disassociate_address(
                        AssociationId="eipassoc-00000000000000001", DryRun=True
                    )
                except ClientError as error:
                    throttled += code_of(error) == "RequestLimitExceeded"
        stop.set()
        for thread in threads:
            thread.join(30)
        if not busy.is_set():
            self.findings.unsettled(16, "a minute of dry runs was not throttled")
        elif throttled in (0, tries) or throttled >= tries - 2:
            self.findings.settle(16, 1 if throttled else 0, f"{throttled} of {tries} calls of another operation throttled")
        else:
            self.findings.unsettled(16, f"{throttled} of {tries} calls of another operation were throttled")
        time.sleep(min(15.0, self.patience / 10))

    # The function changes.

    def watch_it_change(self, interface: str) -> str:
        """B2, B14: an update to the other security group while an invocation runs. Returns the new interface."""
        slow = SlowInvocation(self.functions, self.stage.prefix, self.slowest)
        slow.start()
        time.sleep(self.stage.pause)
        vpc = {"SubnetIds": [self.subnet], "SecurityGroupIds": [self.groups["b"]]}
        self.functions.update_function_configuration(FunctionName=self.stage.prefix, VpcConfig=vpc)
        shown: set[str] = set()

        def look():
            function = self.configuration()
            if function.get("LastUpdateStatus") == "InProgress":
                shown.update(function.get("VpcConfig", {}).get("SecurityGroupIds", []))
            return function.get("LastUpdateStatus") in ("Successful", "Failed") and function

        ended = self.until("the update is over", look)
        over_at = time.monotonic()
        self.unused_since = over_at + self.slowest + 10
        if not ended or ended["LastUpdateStatus"] != "Successful":
            raise SystemExit(f"live: the update did not succeed: {ended and ended.get('LastUpdateStatusReason')}")
        views = {frozenset([self.groups["b"]]): 0, frozenset([self.groups["a"]]): 1}
        if frozenset(shown) in views:
            self.findings.settle(2, views[frozenset(shown)])
        else:
            self.findings.unsettled(2, f"while InProgress it showed {sorted(shown) or 'nothing, it was over too soon'}")
        slow.join(self.slowest + 30)
        self.tell_old_environment(slow, over_at)
        new = self.until("the new pair's interface is in use", lambda: [
            one for one in self.interfaces("b") if one["Status"] == "in-use"
        ])
        if not new:
            raise SystemExit("live: the new pair has no interface")
        return new[0]["NetworkInterfaceId"]

    def tell_old_environment(self, slow: SlowInvocation, over_at: float) -> None:
        if slow.ended_at is None or slow.ended_at < over_at:
            self.findings.unsettled(14, "no invocation outlived the update")
        elif slow.ok:
            self.findings.settle(14, 0, f"one begun before it went on for {slow.ended_at - over_at:.0f} s")
        else:
            self.findings.unsettled(14, f"one begun before it failed: {slow.answer}; try again before you believe it")

    # The function leaves.

    def watch_it_leave(self, bare: str, carrier: str) -> None:
        """B19, B13, B9: out of the VPC, the old pair's interface bare, the new one's with an address."""
        self.free(self.first)
        _, code = self.associate(self.first, carrier)
        empty = {"SubnetIds": [], "SecurityGroupIds": []}
        self.functions.update_function_configuration(FunctionName=self.stage.prefix, VpcConfig=empty)
        done = self.until("it is out of the VPC", lambda: (
            (now := self.configuration()).get("LastUpdateStatus") == "Successful" and now
        ))
        if done:
            self.findings.settle(19, 0 if "VpcConfig" in done else 1)
        else:
            self.findings.unsettled(19, "the update did not end")
        statuses: dict[str, int] = {}

        def bare_is_gone() -> bool:
            found = [one for one in self.interfaces("a") if one["NetworkInterfaceId"] == bare]
            if time.monotonic() > self.unused_since:
                for one in found:
                    statuses[one["Status"]] = statuses.get(one["Status"], 0) + 1
            return not found

        self.until("the bare interface is gone", bare_is_gone)
        most = max(statuses, key=statuses.get, default="")
        counted = ", ".join(f"{status} {count} times" for status, count in sorted(statuses.items()))
        if most in ("in-use", "available"):
            self.findings.settle(13, 0 if most == "in-use" else 1, f"seen {counted}")
        else:
            self.findings.unsettled(13, f"seen {counted or 'not once'}")
        if code:
            self.findings.unsettled(9, f"the address could not be given to the new interface: {code}")
            return
        gone = lambda: not self.interfaces("b")  # noqa: E731
        if self.until("the interface with an address is gone", gone):
            held = self.association(self.first).get("AssociationId")
            self.findings.settle(9, 0, "the address still shows an association" if held else "")
            return
        self.free(self.first)
        if self.until("it is gone once the address was taken off", gone):
            self.findings.settle(9, 1, f"it stayed for {self.patience / 60:.0f} minutes and went without the address")
        else:
            self.findings.unsettled(9, "it stayed, with the address and without")

    # What was told of all that.

    def read_the_events(self) -> None:
        """B20, and whether Lambda's own calls are told."""
        sqs = self.stage.clients.sqs
        seen = {"associate": None, "lambda": False}

        def look():
            got = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in got.get("Messages", []):
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                detail = json.loads(message["Body"]).get("detail", {})
                text = json.dumps(detail.get("requestParameters") or {})
                ours = detail.get("eventName") == "CreateNetworkInterface" and any(g in text for g in self.groups.values())
                seen["lambda"] |= ours and "errorCode" not in detail
                if detail.get("eventName") == "AssociateAddress" and self.first["AllocationId"] in text:
                    if "errorCode" not in detail:
                        seen["associate"] = detail
            return seen["associate"] and seen["lambda"]

        self.until("the events of this run arrive", look, min(self.patience, 900))
        detail = seen["associate"]
        if detail is None:
            self.findings.unsettled(20, "no event came: does a trail log here?")
        else:
            where = (bool(detail.get("requestID")), bool((detail.get("responseElements") or {}).get("requestId")))
            places = {(True, True): 0, (False, True): 1, (True, False): 2}
            if where in places:
                self.findings.settle(20, places[where])
            else:
                self.findings.unsettled(20, "in neither")
        came = "told" if seen["lambda"] else "not told, or not in time"
        self.findings.add("Lambda's own creation of an interface in the trail", came)
        self.findings.unsettled(11, "not tried: overflow takes 65,000 connections, replacement can't be asked for")
        self.findings.unsettled(10, "not tried: no way is known to make an update fail once it was accepted")


class SlowInvocation(threading.Thread):
    """An invocation that lasts, in the background."""

    def __init__(self, functions, name: str, seconds: int) -> None:
        super().__init__(daemon=True)
        self.functions, self.function, self.seconds = functions, name, seconds
        self.ended_at: float | None = None
        self.ok, self.answer = False, ""

    def run(self) -> None:
        try:
            payload = json.dumps({"sleep": self.seconds}).encode()
            answer = self.functions.invoke(FunctionName=self.function, Payload=payload)
            self.answer = answer["Payload"].read().decode()
            self.ok = "FunctionError" not in answer
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
            self.answer = str(error)
        self.ended_at = time.monotonic()
