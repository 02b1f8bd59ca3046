"""Azure App Service: the connection, the calls, what they show, and the decisions beside them."""
