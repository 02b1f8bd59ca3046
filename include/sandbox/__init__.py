"""A cloud on one machine: App Service slots behind Azure Resource Manager, Slack, a webhook, load.

Real wires, modelled behaviour: every door is an HTTP server on loopback, and every slot runs
a real application whose traffic a swap really moves. ``python -m include.sandbox`` starts it.
It knows nothing of the product that is rehearsed against it.
"""
