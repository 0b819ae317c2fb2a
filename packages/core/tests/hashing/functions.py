"""Functions and classes to take fingerprints of."""


def build(source, name="f", **globals_):
    """Return what `source` defines as `name`, as if it stood in a module of a user's project."""
    namespace = {"__name__": "project", "__builtins__": __builtins__, **globals_}
    exec(compile(source, "project.py", "exec"), namespace)
    return namespace[name]


BASE = """
def f(x, y=2):
    total = x + y
    return [total for _ in range(3)]
"""


class Model:
    def __init__(self, size):
        self.size = size

    def fit(self, x):
        return x * self.size

    @classmethod
    def make(cls):
        return cls(1)

    def __call__(self, x):
        return self.fit(x)
