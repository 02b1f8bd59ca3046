"""AWS machines and load balancers: the connection, the calls, what they show, the decisions beside them."""
