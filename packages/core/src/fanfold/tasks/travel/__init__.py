"""What travels with the tasks of a call, and what they tell while they run.

What goes to a worker is packed when the call begins:

- ``packing.py``, ``luggage.py``: all of it, as one object among the call's terms.
- ``variables.py``: the values of context variables.
- ``filters.py``: which warnings are shown, ignored or raised.
- ``log_levels.py``: which log records are made.
- ``initializers.py``: what a worker runs before its first task.
- ``holding.py``: of which of these holds in the whole of a worker's process, and until when.

What comes back while tasks run:

- ``reports.py``, ``delivery.py``: the way home, and the arrival.
- ``shown_warnings.py``, ``log_records.py``: what is told, on either side.

Nothing is imported here: a worker loads what it needs when it needs it.
"""
