"""Files that are not trusted: what their pickles would do is found out before any of it is done.

Everything here is imported when it is first asked for.
"""
