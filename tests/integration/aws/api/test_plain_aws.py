"""The looks and the acts against moto as it comes, where its behaviour is AWS's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.airlock.aws import documents, groups, listeners, machines, scaling
from include.airlock.aws.connection import AwsAccess, read_connection
from include.airlock.aws.standing import Standing
from include.airlock.errors import NotFound, Rejected
from tests.integration.aws.api.plain_aws import BUILD_PARAMETER, IMAGE, REGION, PlainAws

NOBODY = "i-0123456789abcdef0"


def only(found: list[Any]) -> Any:
    (row,) = found
    return row


class TestGroups:
    def test_a_group_is_found_by_name_and_by_arn_in_the_specs_order(
        self, aws: PlainAws, access: AwsAccess
    ) -> None:
        found = groups.find(access, ["search-green", aws.blue], ["checkout-classic"])
        assert [group.key for group in found] == [aws.green, aws.blue, "checkout-classic"]
        assert [group.kind for group in found] == ["target_group", "target_group", "classic"]

    def test_every_unknown_group_is_named_with_the_nearest(self, aws: PlainAws, access: AwsAccess) -> None:
        elsewhere = aws.blue.replace(REGION, "us-east-1")
        with pytest.raises(NotFound) as fault:
            groups.find(access, ["search-bleu", elsewhere], ["checkout-clasic", "zzz"])
        said = str(fault.value)
        assert "no target group 'search-bleu' in eu-west-1; did you mean 'search-blue'?" in said
        assert "(the ARN is of us-east-1)" in said
        assert "did you mean 'checkout-classic'?" in said
        assert "no classic load balancer 'zzz' in eu-west-1" in said

    def test_what_a_drain_and_an_attach_depend_on(self, aws: PlainAws, access: AwsAccess) -> None:
        aws.set_attributes(
            aws.blue, deregistration_delay__timeout_seconds="25", slow_start__duration_seconds="40"
        )
        group = only(groups.find(access, ["search-blue"], []))
        assert (group.delay_s, group.draining, group.slow_start_s) == (25, True, 40)
        assert (group.interval_s, group.healthy_threshold, group.unhealthy_threshold) == (30, 5, 2)
        assert (group.port, group.target_type, group.vpc) == (8080, "instance", aws.vpc)
        assert group.load_balancers == (aws.balancer,)

    def test_a_delay_of_zero_drains_nothing(self, aws: PlainAws, access: AwsAccess) -> None:
        aws.set_attributes(aws.blue, deregistration_delay__timeout_seconds="0")
        group = only(groups.find(access, ["search-blue"], []))
        assert (group.delay_s, group.draining) == (0, False)

    def test_cross_zone_is_the_groups_own_or_the_load_balancers(
        self, aws: PlainAws, access: AwsAccess
    ) -> None:
        """On by default behind an ALB, off behind an NLB unless the group or the NLB says otherwise."""
        nlb = aws.elbv2.create_load_balancer(Name="nlb", Type="network", Subnets=aws.subnets)
        arn = nlb["LoadBalancers"][0]["LoadBalancerArn"]
        tcp = aws.target_group("tcp", Protocol="TCP")
        aws.elbv2.create_listener(
            LoadBalancerArn=arn,
            Protocol="TCP",
            Port=443,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": tcp}],
        )

        def crosses(name: str) -> bool:
            return bool(only(groups.find(access, [name], [])).cross_zone)

        assert (crosses("search-blue"), crosses("tcp")) == (True, False)
        aws.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=arn,
            Attributes=[{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}],
        )
        assert crosses("tcp")
        aws.set_attributes(tcp, load_balancing__cross_zone__enabled="false")
        assert not crosses("tcp")

    def test_a_classic_load_balancer(self, aws: PlainAws, access: AwsAccess) -> None:
        """Draining is off until it is switched on."""
        group = only(groups.find(access, [], ["checkout-classic"]))
        assert (group.draining, group.delay_s, group.port, group.cross_zone) == (False, 0, 8080, False)
        aws.elb.modify_load_balancer_attributes(
            LoadBalancerName="checkout-classic",
            LoadBalancerAttributes={
                "ConnectionDraining": {"Enabled": True, "Timeout": 120},
                "CrossZoneLoadBalancing": {"Enabled": True},
            },
        )
        group = only(groups.find(access, [], ["checkout-classic"]))
        assert (group.draining, group.delay_s, group.cross_zone) == (True, 120, True)

    def test_memberships_that_no_spec_names_are_found(self, aws: PlainAws, access: AwsAccess) -> None:
        first, second = aws.machines
        aws.elbv2.deregister_targets(TargetGroupArn=aws.blue, Targets=[{"Id": second, "Port": 8080}])
        assert {group.name for group in groups.all_groups(access)} == {
            "search-blue",
            "search-green",
            "checkout-classic",
        }
        assert [group.name for group in groups.all_groups(access, holding=[first])] == [
            "search-blue",
            "checkout-classic",
        ]
        assert [group.name for group in groups.all_groups(access, holding=[second])] == ["checkout-classic"]
        assert groups.all_groups(access, holding=[NOBODY]) == []

    def test_members_with_their_ports_and_zones(self, aws: PlainAws, access: AwsAccess) -> None:
        zones = {id_: row.zone for id_, row in machines.describe(access, aws.machines).items()}
        for group in groups.find(access, ["search-blue"], ["checkout-classic"]):
            found = groups.members(access, group, zones=zones)
            assert {(row.machine, row.port, row.standing) for row in found} == {
                (id_, 8080, Standing.IN_SERVICE) for id_ in aws.machines
            }
            assert {row.zone for row in found} == {"eu-west-1a", "eu-west-1b"}

    @pytest.mark.parametrize("name", ["search-blue", "checkout-classic"])
    def test_out_and_in_again(self, aws: PlainAws, access: AwsAccess, name: str) -> None:
        """Given a member, when it is detached and attached, then each look names it and says so."""
        classic = name == "checkout-classic"
        group = only(groups.find(access, [] if classic else [name], [name] if classic else []))
        first = aws.machines[0]
        groups.detach(access, group, first, 8080, "eu-west-1a")
        if not classic:  # moto keeps a classic instance it has removed as Unknown
            out = groups.members(access, group, [(first, 8080), (NOBODY, 8080)])
            assert [(row.machine, row.standing) for row in out] == [
                (first, Standing.OUT),
                (NOBODY, Standing.OUT),
            ]
        groups.attach(access, group, first, 8080, "eu-west-1a")
        back = only(groups.members(access, group, [(first, 8080)]))
        assert (back.machine, back.port, back.standing) == (first, 8080, Standing.IN_SERVICE)

    def test_nobody_asked_for_is_nobody(self, aws: PlainAws, access: AwsAccess) -> None:
        assert groups.members(access, only(groups.find(access, ["search-blue"], [])), []) == []

    def test_a_group_that_is_gone(self, aws: PlainAws, access: AwsAccess) -> None:
        blue, classic = groups.find(access, ["search-green"], ["checkout-classic"])
        aws.elbv2.delete_target_group(TargetGroupArn=aws.green)
        aws.elb.delete_load_balancer(LoadBalancerName="checkout-classic")
        with pytest.raises(NotFound, match="read the health of search-green"):
            groups.members(access, blue)
        with pytest.raises(NotFound, match="read the health of checkout-classic"):
            groups.members(access, classic)

    def test_where_the_public_reaches_a_group(
        self, aws: PlainAws, access: AwsAccess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Given a group behind a default, one behind a rule, one unused: two addresses of the same door."""
        aws.elbv2.create_rule(
            ListenerArn=aws.listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/next"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": aws.green}],
        )
        aws.target_group("unused")
        blue, green, unused, classic = groups.find(
            access, ["search-blue", "search-green", "unused"], ["checkout-classic"]
        )
        (address,) = groups.public_addresses(access, blue)
        assert address.url.startswith("http://search-alb")
        assert address.url.endswith(":80")
        assert groups.public_addresses(access, green) == [address]
        assert groups.public_addresses(access, unused) == []
        assert only(groups.public_addresses(access, classic)).port == 80
        monkeypatch.setenv("AIRFLOW_CONN_AWS_PLAIN", aws.connection(public_scheme="https"))
        assert only(groups.public_addresses(read_connection("aws_plain"), blue)).scheme == "https"


class TestMachines:
    def test_machines_by_id_and_by_address(self, aws: PlainAws, access: AwsAccess) -> None:
        found = machines.describe(access, reversed(aws.machines))
        assert list(found) == aws.machines[::-1]
        first = found[aws.machines[0]]
        assert (first.state, first.vpc, first.zone) == ("running", aws.vpc, "eu-west-1a")
        assert first.private_ip
        assert machines.by_address(access, [first.private_ip, "10.255.255.1"], aws.vpc) == {
            first.private_ip: first
        }
        assert machines.by_address(access, [first.private_ip], "vpc-0") == {}

    def test_unknown_ids_are_all_named(self, aws: PlainAws, access: AwsAccess) -> None:
        with pytest.raises(NotFound, match=f"no such instance in eu-west-1: {NOBODY}, i-12345678"):
            machines.describe(access, [aws.machines[0], NOBODY, "i-12345678"])

    def test_no_machines_are_no_call(self, access: AwsAccess) -> None:
        assert machines.describe(access, []) == {}


class TestListeners:
    def test_a_listener_by_arn_and_by_name_and_port(self, aws: PlainAws, access: AwsAccess) -> None:
        route = listeners.find(access, listener="search-alb:80")
        assert route == listeners.find(access, listener=aws.listener)
        assert (route.kind, route.key, route.forward.weights) == ("listener", aws.listener, {aws.blue: 1})
        assert listeners.public_address(access, route).port == 80

    @pytest.mark.parametrize(
        ("listener", "words"),
        [
            ("search-alp:80", "no load balancer 'search-alp' in eu-west-1; did you mean 'search-alb'"),
            ("search-alb:8443", "has no listener on port 8443; its ports: 80"),
        ],
    )
    def test_an_unknown_listener(self, aws: PlainAws, access: AwsAccess, listener: str, words: str) -> None:
        with pytest.raises(NotFound, match=words):
            listeners.find(access, listener=listener)

    def test_an_arn_of_nothing(self, aws: PlainAws, access: AwsAccess) -> None:
        with pytest.raises(NotFound):
            listeners.find(access, listener=aws.listener[:-1] + "x")
        with pytest.raises(NotFound):
            listeners.find(access, rule=f"{aws.listener.replace(':listener/', ':listener-rule/')}/0")

    def test_one_call_switches_and_keeps_stickiness(self, aws: PlainAws, access: AwsAccess) -> None:
        sticky = {"Enabled": True, "DurationSeconds": 600}
        weighted = [{"TargetGroupArn": aws.blue, "Weight": 100}]
        aws.elbv2.modify_listener(
            ListenerArn=aws.listener,
            DefaultActions=[
                {
                    "Type": "forward",
                    "ForwardConfig": {"TargetGroups": weighted, "TargetGroupStickinessConfig": sticky},
                }
            ],
        )
        route = listeners.find(access, listener=aws.listener)
        listeners.set_weights(access, route, {aws.blue: 0, aws.green: 100})
        now = listeners.read(access, route)
        assert now.forward == listeners.Forward({aws.blue: 0, aws.green: 100}, 600)
        assert route.forward.weights == {aws.blue: 100}

    def test_a_rule_is_changed_and_its_listener_is_not(self, aws: PlainAws, access: AwsAccess) -> None:
        rule = aws.elbv2.create_rule(
            ListenerArn=aws.listener,
            Priority=7,
            Conditions=[{"Field": "path-pattern", "Values": ["/search/*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": aws.blue}],
        )["Rules"][0]["RuleArn"]
        route = listeners.find(access, rule=rule)
        assert (route.kind, route.listener) == ("rule", aws.listener)
        listeners.set_weights(access, route, {aws.green: 5})
        assert listeners.read(access, route).forward.weights == {aws.blue: 1, aws.green: 5}
        assert listeners.find(access, listener=aws.listener).forward.weights == {aws.blue: 1}
        (after,) = aws.elbv2.describe_rules(RuleArns=[rule])["Rules"]
        assert after["Priority"] == "7"
        assert after["Conditions"][0]["Values"] == ["/search/*"]
        assert listeners.public_address(access, route).port == 80

    def test_a_default_rule_and_a_redirect_are_refused(self, aws: PlainAws, access: AwsAccess) -> None:
        (default,) = aws.elbv2.describe_rules(ListenerArn=aws.listener)["Rules"]
        with pytest.raises(Rejected, match="which only the listener can change"):
            listeners.find(access, rule=default["RuleArn"])
        aws.elbv2.modify_listener(
            ListenerArn=aws.listener,
            DefaultActions=[
                {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}
            ],
        )
        with pytest.raises(Rejected, match="forwards to no target group"):
            listeners.find(access, listener=aws.listener)


class TestCommands:
    @pytest.fixture
    def document(self, aws: PlainAws) -> str:
        content = {"schemaVersion": "2.2", "parameters": {"Build": BUILD_PARAMETER}, "mainSteps": []}
        aws.client("ssm").create_document(
            Name="airlock-demo-deploy", DocumentType="Command", Content=json.dumps(content)
        )
        return "airlock-demo-deploy"

    def test_a_document_is_read_and_judged(self, access: AwsAccess, document: str) -> None:
        read = documents.read_document(access, document, None)
        assert (read.name, read.type, list(read.parameters)) == (document, "Command", ["Build"])
        assert read.parameters["Build"].allowed_pattern == BUILD_PARAMETER["allowedPattern"]
        assert documents.read_document(access, document, "1") == read

    @pytest.mark.parametrize(("name", "version"), [("nowhere", None), ("airlock-demo-deploy", "9")])
    def test_a_document_or_version_that_is_not_there(
        self, access: AwsAccess, document: str, name: str, version: str | None
    ) -> None:
        with pytest.raises(NotFound, match=f"read document {name}"):
            documents.read_document(access, name, version)

    def test_a_document_in_yaml(self, aws: PlainAws, access: AwsAccess) -> None:
        lines = [
            "schemaVersion: '2.2'",
            "parameters:",
            "  Build: {type: String, default: '1'}",
            "mainSteps: []",
        ]
        aws.client("ssm").create_document(
            Name="in-yaml",
            DocumentType="Command",
            DocumentFormat="YAML",
            Content="\n".join(lines),
        )
        assert documents.read_document(access, "in-yaml", None).parameters["Build"].default


class TestScaling:
    @pytest.fixture
    def group(self, aws: PlainAws) -> str:
        client = aws.client("autoscaling")
        client.create_launch_configuration(
            LaunchConfigurationName="lc", ImageId=IMAGE, InstanceType="t3.micro"
        )
        client.create_auto_scaling_group(
            AutoScalingGroupName="checkout",
            LaunchConfigurationName="lc",
            MinSize=0,
            MaxSize=4,
            DesiredCapacity=0,
            VPCZoneIdentifier=",".join(aws.subnets),
        )
        client.attach_instances(AutoScalingGroupName="checkout", InstanceIds=aws.machines)
        return "checkout"

    def test_a_group_and_its_machines(self, aws: PlainAws, access: AwsAccess, group: str) -> None:
        assert scaling.groups_of(access, [*aws.machines, NOBODY]) == {id_: group for id_ in aws.machines}
        read = scaling.describe(access, group)
        assert (read.min, read.max, read.desired) == (0, 4, 2)
        assert read.instances == {id_: "InService" for id_ in aws.machines}

    def test_standby_and_back(self, aws: PlainAws, access: AwsAccess, group: str) -> None:
        first = aws.machines[0]
        scaling.enter_standby(access, group, [first])
        away = scaling.describe(access, group)
        assert (away.desired, away.instances[first]) == (1, "Standby")
        scaling.exit_standby(access, group, [first])
        back = scaling.describe(access, group)
        assert (back.desired, back.instances[first]) == (2, "InService")

    def test_processes_suspended_by_somebody_else_are_seen(
        self, aws: PlainAws, access: AwsAccess, group: str
    ) -> None:
        aws.client("autoscaling").suspend_processes(
            AutoScalingGroupName=group, ScalingProcesses=["ScheduledActions"]
        )
        scaling.suspend(access, group, scaling.INTERFERING)
        assert scaling.describe(access, group).suspended == set(scaling.INTERFERING)
        scaling.resume(access, group, set(scaling.INTERFERING) - {"ScheduledActions"})
        assert scaling.describe(access, group).suspended == {"ScheduledActions"}

    def test_an_unknown_group(self, aws: PlainAws, access: AwsAccess) -> None:
        with pytest.raises(NotFound, match="no Auto Scaling group 'nowhere' in eu-west-1"):
            scaling.describe(access, "nowhere")
