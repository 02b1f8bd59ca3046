"""AWS on one machine: the wire protocol and the bookkeeping by moto, the behaviour behind it here.

Instances are small HTTP servers on loopback addresses of their own, load balancers are proxies whose
health checks, draining and weights are real, and Run Command really starts another build.
"""
