"""Announcing: one release told to Slack and to other media, without ever holding the release up.

``tell`` is the way in. It renders from a ``ReleaseRecord`` alone, remembers what was told, and
answers what was not. What to say next is decided by pure functions (``told``, ``wording``,
``rendering``); ``slack`` and ``webhook`` carry it.
"""
