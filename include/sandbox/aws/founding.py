"""The beginning of the AWS world: every resource that the configuration describes, put into the books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.sandbox.aws.addresses import ZONES, Block
from include.sandbox.aws.books import Books
from include.sandbox.aws.documents import write_documents
from include.sandbox.aws.groups import Groups, Membership
from include.sandbox.aws.settings import AwsConfig, BlueGreen, Farm, HealthCheck

_IMAGE = "ami-12c6146b"
Json = dict[str, Any]


@dataclass
class Founded:
    """What was made: who is in which group, and the services as ``endpoints.json`` tells them."""

    memberships: list[Membership] = field(default_factory=list)
    services: Json = field(default_factory=dict)


def found(config: AwsConfig, books: Books, blocks: Mapping[str, Block]) -> Founded:
    """Make every resource. The same configuration gives the same ids and names each time."""
    founded = Founded()
    yards: dict[str, _Yard] = {}
    for service, held in config.services.items():
        regions = founded.services.setdefault(service, {"cloud": "aws", "regions": {}})["regions"]
        for region, wanted in held.regions.items():
            yard = yards.setdefault(region, _Yard(config, books, blocks[region], region, founded))
            if wanted.blue_green:
                regions[region] = yard.pair(service, wanted.blue_green)
            else:
                farms = {name: yard.farm(service, name, farm) for name, farm in wanted.farms.items()}
                regions[region] = {"farms": farms}
    return founded


class _Yard:
    """One region while it is being built."""

    def __init__(self, config: AwsConfig, books: Books, block: Block, region: str, founded: Founded) -> None:
        self._config = config
        self._books = books
        self._block = block
        self._region = region
        self._founded = founded
        ec2 = books.ec2(region)
        self._vpc = ec2.create_vpc(block.network).id
        self._subnets = {
            zone: ec2.create_subnet(self._vpc, block.subnet(zone), availability_zone=f"{region}{zone}").id
            for zone in ZONES
        }
        write_documents(books.ssm(region), books.account)

    def farm(self, service: str, name: str, farm: Farm) -> Json:
        """Build a farm: its machines, its target group and its classic load balancer."""
        title = f"{service}-{name}"
        machines = self._machines(service, name, farm.machines, farm.zones, farm.build)
        told: Json = {
            "instances": machines,
            "target_groups": {},
            "classic_load_balancers": [],
            "public": {},
        }
        if farm.target_group:
            network = farm.target_group == "network"
            group = self._target_group(title, farm.health_check, farm, network, farm.target_type)
            told["target_groups"][title] = group
            balancer = f"{title}-{'nlb' if network else 'alb'}"
            told["public"][balancer] = self._balancer(balancer, farm, network, group)[0]
            by_ip = farm.target_type == "ip"
            ids = [held["address"] if by_ip else id_ for id_, held in machines.items()]
            self._founded.memberships += [Membership(self._region, group, id_) for id_ in ids]
        if farm.classic_load_balancer:
            classic = f"{title}-classic"
            told["classic_load_balancers"].append(classic)
            told["public"][classic] = self._classic(classic, farm, list(machines))
        if farm.autoscaling_group:
            told["autoscaling_group"] = self._scaling_group(title, told)
        return told

    def pair(self, service: str, wanted: BlueGreen) -> Json:
        """Build two farms behind one listener, the first of them live."""
        farm = Farm(**wanted.model_dump(exclude={"machines", "build"}))
        told: Json = {"instances": {}, "target_groups": {}}
        for colour in ("blue", "green"):
            machines = self._machines(service, colour, wanted.machines, ("a", "b"), wanted.build)
            told["instances"] |= machines
            group = self._target_group(f"{service}-{colour}", wanted.health_check, farm, False, "instance")
            told["target_groups"][f"{service}-{colour}"] = group
            self._founded.memberships += [Membership(self._region, group, id_) for id_ in machines]
        live = told["target_groups"][f"{service}-blue"]
        balancer = f"{service}-alb"
        public, told["listener"] = self._balancer(balancer, farm, False, live)
        told["public"] = {balancer: public}
        return told

    def _machines(self, service: str, farm: str, count: int, zones: tuple[str, ...], build: str) -> Json:
        machines: Json = {}
        for number in range(count):
            zone = zones[number % len(zones)]
            tags = {
                "Name": f"{service}-{farm}-{number + 1}",
                "Service": service,
                "Farm": farm,
                "Build": build,
            }
            reservation = self._books.ec2(self._region).run_instances(
                _IMAGE,
                1,
                "",
                [],
                subnet_id=self._subnets[zone],
                instance_type="t3.micro",
                is_instance_type_default=False,
                tags={"instance": tags},
            )
            instance = reservation.instances[0]
            machines[instance.id] = {
                "address": instance.private_ip,
                "port": self._config.machine_port,
                "zone": f"{self._region}{zone}",
            }
        return machines

    def _target_group(
        self, name: str, check: HealthCheck, farm: Farm, network: bool, target_type: str
    ) -> str:
        books = self._books.elbv2(self._region)
        group = books.create_target_group(
            name,
            vpc_id=self._vpc,
            protocol="TCP" if network else "HTTP",
            protocol_version=None if network else "HTTP1",
            port=self._config.machine_port,
            healthcheck_protocol="HTTP",
            healthcheck_port="traffic-port",
            healthcheck_path=check.path,
            healthcheck_interval_seconds=check.interval,
            healthcheck_timeout_seconds=check.timeout,
            healthcheck_enabled="true",
            healthy_threshold_count=str(check.healthy),
            unhealthy_threshold_count=str(check.unhealthy),
            matcher={"HttpCode": "200"},
            ip_address_type=None,
            target_type=target_type,
            tags=[],
        )
        attributes = {"deregistration_delay.timeout_seconds": str(farm.deregistration_delay)}
        if not network:
            attributes["slow_start.duration_seconds"] = str(farm.slow_start)
        if not farm.cross_zone:
            attributes["load_balancing.cross_zone.enabled"] = "false"
        group.attributes.update(attributes)
        return str(group.arn)

    def _balancer(self, name: str, farm: Farm, network: bool, group: str) -> tuple[str, str]:
        """Make an ALB or NLB with one listener; return its public address and the listener's ARN."""
        books = self._books.elbv2(self._region)
        balancer = books.create_load_balancer(
            name, [], list(self._subnets.values()), loadbalancer_type="network" if network else "application"
        )
        balancer.attrs["load_balancing.cross_zone.enabled"] = str(farm.cross_zone or not network).lower()
        forward = {
            "Type": "forward",
            "TargetGroupArn": group,
            "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": group, "Weight": 1}]},
        }
        port = self._config.listener_port
        listener = books.create_listener(
            balancer.arn, "TCP" if network else "HTTP", port, "", None, [forward]
        )
        return f"http://{self._block.balancer(balancer.arn)}:{port}", str(listener.arn)

    def _classic(self, name: str, farm: Farm, instances: list[str]) -> str:
        books = self._books.elb(self._region)
        port = self._config.listener_port
        listener = {
            "Protocol": "HTTP",
            "LoadBalancerPort": port,
            "InstanceProtocol": "HTTP",
            "InstancePort": self._config.machine_port,
        }
        books.create_load_balancer(name, [], [listener], subnets=list(self._subnets.values()))
        check = farm.health_check
        books.configure_health_check(
            name,
            str(check.timeout),
            str(check.healthy),
            str(check.unhealthy),
            str(check.interval),
            f"HTTP:{self._config.machine_port}{check.path}",
        )
        books.modify_load_balancer_attributes(
            name,
            cross_zone={"Enabled": farm.cross_zone},
            connection_draining={"Enabled": farm.connection_draining, "Timeout": farm.draining_timeout},
        )
        books.register_instances(name, instances)
        key = Groups.classic_key(self._region, name)
        self._founded.memberships += [Membership(self._region, key, id_) for id_ in instances]
        return f"http://{self._block.balancer(key)}:{port}"

    def _scaling_group(self, name: str, told: Json) -> str:
        """Make an Auto Scaling group of machines that exist; it may lose one to Standby."""
        books = self._books.autoscaling(self._region)
        ids = list(told["instances"])
        books.create_auto_scaling_group(
            name=name,
            availability_zones=[],
            desired_capacity=0,
            max_size=2 * len(ids),
            min_size=0,
            launch_config_name="",
            launch_template={},
            vpc_zone_identifier=",".join(self._subnets.values()),
            default_cooldown=None,
            health_check_period=None,
            health_check_type="ELB",
            load_balancers=[],
            target_group_arns=[],
            placement_group=None,
            termination_policies=[],
            tags=[],
            instance_id=ids[0],
        )
        books.attach_instances(name, ids)
        group = books.autoscaling_groups[name]
        group.min_size = max(1, len(ids) - 1)
        group.target_group_arns = list(told["target_groups"].values())
        group.load_balancer_names = list(told["classic_load_balancers"])
        return name
