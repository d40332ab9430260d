"""Inside the student's kernel: what a test relies on is put back before every test.

Runs before the student's first cell: `seal(shell, check)` remembers every function and class of every module
that is loaded, and the course's own code, tables and limits. `restore` puts them back, so that a test asks the course's check, NumPy and
Keras as they were installed, whatever a cell has assigned to them, and removes IPython hooks that could
swallow an error. Two things it cannot do: keep a secret from code in the same process, and undo a change inside
a C object. What matters is that no *simple* way to fool a test is left; a determined one shows in the submission.
"""

import gc
import importlib
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType

from skimage import metrics

OURS = ("course_lib", "numpy", "keras", "tensorflow", "scipy", "skimage")     # their classes and functions are sealed inside, too


def _is_code(value) -> bool:
    return callable(value) or isinstance(value, ModuleType)


def _is_ours(module: str, key: str) -> bool:
    """Whether it is the course's, such as the tolerance of a check: that is put back whatever it is."""
    return module.split(".")[0] == "course_lib" and not key.startswith("__")


def _tables(values):
    """The lists and dicts among these values, and those inside them."""
    for value in values:
        if type(value) in (list, dict):
            yield value
            yield from _tables(value if type(value) is list else value.values())


class Seal:
    """What was loaded when it was made; `restore` brings it back."""

    def __init__(self, shell, check: str):
        self.shell, self.check = shell, check
        try:
            importlib.import_module(check)
        except ImportError:             # a lesson of the teacher's own, without checks of the course
            pass
        # scikit-image finds its functions only when they are asked for: until then there would be nothing to put back
        vars(metrics).update((name, getattr(metrics, name)) for name in metrics.__all__)
        self.modules = {name: module for name, module in sys.modules.items()
                        if isinstance(module, ModuleType) and module is not shell.user_module}
        self.values = {name: {key: value for key, value in vars(module).items() if _is_code(value) or _is_ours(name, key)}
                       for name, module in self.modules.items()}
        inside = [value for name, values in self.values.items() if name.split(".")[0] in OURS for value in values.values()]
        self.classes = {value: {key: member for key, member in vars(value).items() if not key.startswith("__")}
                        for value in inside if isinstance(value, type) and value.__flags__ & (1 << 9)}    # made in Python
        members = [member for values in self.classes.values() for member in values.values()]
        self.functions = {value: (value.__code__, value.__defaults__, value.__kwdefaults__)
                          for value in inside + members if isinstance(value, FunctionType)}
        ours = [value for name, values in self.values.items() for key, value in values.items() if _is_ours(name, key)]
        named = [function.__kwdefaults__ for function in self.functions]
        self.contents = [(value, value.copy()) for value in _tables(ours + named)]
        self.own = dict(vars(shell))

    def restore(self, names: list[str]) -> None:
        """Put everything back; `names` are those of modules that the test's code uses."""
        sys.settrace(None)
        sys.setprofile(None)
        sys.last_type = sys.last_value = sys.last_traceback = sys.last_exc = None      # what a failed cell held is let go of
        gc.collect()
        sys.modules.update(self.modules)
        for name, values in self.values.items():
            there = vars(self.modules[name])
            for key, value in values.items():
                if there.get(key) is not value:
                    there[key] = value
        for owner, values in self.classes.items():
            there = vars(owner)
            for key, value in values.items():
                if there.get(key) is not value:
                    setattr(owner, key, value)
        for function, (code, defaults, named) in self.functions.items():
            if function.__code__ is not code:
                function.__code__ = code
            if function.__defaults__ is not defaults:
                function.__defaults__ = defaults
            if function.__kwdefaults__ is not named:
                function.__kwdefaults__ = named
        for value, content in self.contents:
            value.clear()
            value.extend(content) if type(value) is list else value.update(content)
        self._shell()
        package, _, last = self.check.rpartition(".")
        for name in names:
            if name == last:
                self.shell.user_ns[name] = self.modules[self.check]
            elif isinstance(getattr(self.modules["builtins"], name, None), (type, BuiltinFunctionType)):
                self.shell.user_ns.pop(name, None)      # `print = …` in a cell

    def _shell(self) -> None:
        """IPython as it was: no handler of exceptions, no hook before or after a cell, no rewriting of code."""
        shell = self.shell
        for key, value in list(vars(shell).items()):
            if key not in self.own and callable(value):
                delattr(shell, key)                     # a method replaced on the instance
        shell.custom_exceptions, shell.CustomTB = (), None
        shell.ast_transformers.clear()
        shell.input_transformers_post.clear()
        for kind, callbacks in shell.events.callbacks.items():
            callbacks[:] = [one for one in callbacks if getattr(one, "__self__", None) is shell
                            or getattr(one, "__module__", "").split(".")[0] in ("IPython", "ipykernel", "matplotlib_inline", "matplotlib")]
