"""Moto as it comes: AWS's protocol and rules, without any behaviour behind it; and a scene on it."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import boto3
import requests
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
IMAGE = "ami-00000000"
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # a thousand images, read again at every reset
BUILD_PARAMETER = {"type": "String", "allowedPattern": "^[0-9]+(\\.[0-9]+)*$"}


class PlainAws:
    """A moto server on loopback with two machines, two target groups and a load balancer of both kinds."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"

    def stop(self) -> None:
        self._server.stop()

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing-id",
            aws_secret_access_key="testing-secret",
        )

    def connection(self, **extra: Any) -> str:
        """What Airflow's environment variable for a connection to here holds."""
        held = {"region_name": REGION, "endpoint_url": self.url, **extra}
        row = {"conn_type": "aws", "login": "testing-id", "password": "testing-secret", "extra": held}
        return json.dumps(row)

    def reset(self) -> None:
        """Put the scene on an empty account."""
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        self.elbv2, self.elb = self.client("elbv2"), self.client("elb")
        self._machines()
        self._target_groups()
        self.elb.create_load_balancer(
            LoadBalancerName="checkout-classic",
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8080}],
            AvailabilityZones=[f"{REGION}a"],
        )
        self.elb.register_instances_with_load_balancer(
            LoadBalancerName="checkout-classic", Instances=[{"InstanceId": id_} for id_ in self.machines]
        )

    def _machines(self) -> None:
        ec2 = self.client("ec2")
        subnets = ec2.describe_subnets()["Subnets"]
        self.vpc = subnets[0]["VpcId"]
        self.subnets = [subnet["SubnetId"] for subnet in subnets[:2]]
        self.machines = [
            ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0][
                "InstanceId"
            ]
            for subnet in self.subnets
        ]

    def _target_groups(self) -> None:
        self.blue = self.target_group("search-blue")
        self.green = self.target_group("search-green")
        self.balancer = self.elbv2.create_load_balancer(Name="search-alb", Subnets=self.subnets)[
            "LoadBalancers"
        ][0]["LoadBalancerArn"]
        self.listener = self.elbv2.create_listener(
            LoadBalancerArn=self.balancer,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.blue}],
        )["Listeners"][0]["ListenerArn"]
        self.elbv2.register_targets(
            TargetGroupArn=self.blue, Targets=[{"Id": id_, "Port": 8080} for id_ in self.machines]
        )

    def target_group(self, name: str, **more: Any) -> str:
        """Create a target group; its ARN."""
        asked = {"Protocol": "HTTP", "Port": 8080, "VpcId": self.vpc, "TargetType": "instance", **more}
        return str(self.elbv2.create_target_group(Name=name, **asked)["TargetGroups"][0]["TargetGroupArn"])

    def set_attributes(self, group: str, **attributes: str) -> None:
        """Set attributes of a target group; ``__`` stands for a dot."""
        rows = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
        self.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=rows)
