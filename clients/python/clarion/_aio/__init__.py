"""The asynchronous client. ``clarion/_sync`` is made from it by ``make client``: change this one."""
