"""Do something once another package's module has been imported, without importing it now.

``import ser_lib`` has to make Transformers know our models, and Transformers with torch takes
seconds to import, which ``train.py --help`` should not wait for. Python asks the finders in
``sys.meta_path`` for each new module; ours lets the usual finder answer and adds a step to the
loader it found. The step runs under the module's own import lock, so that another thread
cannot see the module without it.
"""

import importlib
import sys
from importlib.machinery import PathFinder


class AfterImport:
    """A finder for ``sys.meta_path`` that follows up the import of the modules it is told.

    Arguments
    ---------
    steps : dict
        Full module name to a function of the imported module; it may run more than once.
    """

    def __init__(self, steps):
        self.steps = steps

    def install(self):
        """Begin to watch, and catch up on what has been imported before."""
        # Catching up may wait for another thread's import. Were we watching by then, that
        # thread's step could wait for us in turn. The second round is for what came meanwhile.
        self._catch_up()
        sys.meta_path.insert(0, self)
        self._catch_up()

    def _catch_up(self):
        for name, step in self.steps.items():
            if name in sys.modules:
                step(importlib.import_module(name))

    def find_spec(self, name, path=None, target=None):
        """Spec of a watched module with the step attached; None for all others."""
        step = self.steps.get(name)
        # PathFinder, not importlib.util.find_spec: that would come back to this method.
        spec = PathFinder.find_spec(name, path, target) if step else None
        if spec is None or spec.loader is None:
            return None
        plain = spec.loader.exec_module

        def exec_module(module):
            plain(module)
            step(module)

        spec.loader.exec_module = exec_module
        return spec
