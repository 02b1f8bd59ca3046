"""Two clouds on one machine: Azure's App Service slots, AWS's load balancers; Slack, a webhook, load.

Real wires, modelled behaviour: every door is an HTTP server on loopback, and every slot and machine
runs a real application whose traffic a swap or a load balancer really moves.
``python -m include.sandbox`` starts it. It knows nothing of the product that is rehearsed against it.
"""
