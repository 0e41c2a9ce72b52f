"""A case that mounts: with a directory of its own, in a mount namespace of its own."""
import os
import shutil
import sys
import tempfile

import harness

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "differential"))
import ways  # noqa: E402


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.need_root()
        if not ways.mountable():
            self.skipTest("no mounts here")
        self.tmp = tempfile.mkdtemp(prefix="trapline-cli-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.tmp, True)
        ways.own_mounts()

    def path(self, *names):
        return os.path.join(self.tmp, *names)
