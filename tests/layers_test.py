#!/usr/bin/env python3
"""The layer check finds what it is meant to find: faults planted in a small tree."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import layers  # noqa: E402


def faults_of(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = os.path.join(root, "src", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return layers.check(root)


class Includes(unittest.TestCase):
    def assert_fault(self, path, line):
        faults, _ = faults_of({path: line + "\n"})
        self.assertEqual(len(faults), 1, (path, line, faults))
        self.assertTrue(faults[0].startswith(f"src/{path}:1: "), faults)

    def assert_fine(self, path, line):
        self.assertEqual(faults_of({path: line + "\n"})[0], [], (path, line))

    def test_upwards_is_a_fault(self):
        self.assert_fault("base/log.c", '#include "syscalls/table.h"')
        self.assert_fault("regs/regs.c", '#include "tracer/session.h"')
        self.assert_fault("policy/plan.c", '#include "syscalls/dispatch.h"')
        self.assert_fault("syscalls/sys_id.c", '#include "tracer/session.h"')
        self.assert_fault("syscalls/decode.c", '#include "kernel/kernel.h"')
        self.assert_fault("syscalls/decode.c", '#include "syscalls/dispatch.h"')
        self.assert_fault("kernel/task/task.c", '#include "syscalls/table.h"')
        self.assert_fault("kernel/fs/tmpfs.c", '#include "kernel/task/task.h"')
        self.assert_fault("kernel/fs/overlay.c", '#include "kernel/mm/pagecache.h"')
        self.assert_fault("tracer/trap.c", '#include "observe/text.h"')
        self.assert_fault("tracer/trap.c", '#include "cli/cli.h"')
        self.assert_fault("observe/text.c", '#include "tracer/session.h"')
        self.assert_fault("bench/latency.c", '#include "cli/cli.h"')
        self.assert_fault("nowhere/x.c", '#include "base/log.h"')

    def test_downwards_is_fine(self):
        self.assert_fine("regs/regs.c", '#include "base/errors.h"')
        self.assert_fine("policy/plan.c", '#include "syscalls/table.h"')
        self.assert_fine("syscalls/sys_id.c", '#include "kernel/kernel.h"')
        self.assert_fine("kernel/fs/procfs.c", '#include "kernel/task/task.h"')
        self.assert_fine("tracer/notify/workers.c", '#include "tracer/session.h"')
        self.assert_fine("tracer/trap.c", '#include "observe/recorder.h"')
        self.assert_fine("cli/trace.c", '#include "observe/options.h"')
        self.assert_fine("cli/main.c", '#include "trapline/version.h"')

    def test_mechanism_headers_stay_in_the_tracer(self):
        self.assert_fault("kernel/task/task.c", "#include <sys/ptrace.h>")
        self.assert_fault("observe/text.c", "#include <linux/seccomp.h>")
        self.assert_fine("tracer/trap.c", "#include <sys/ptrace.h>")


class Rules(unittest.TestCase):
    def test_architecture_has_its_place(self):
        text = "#if defined(__x86_64__)\n#endif\n"
        self.assertEqual(len(faults_of({"tracer/trap.c": text})[0]), 1)
        self.assertEqual(faults_of({"regs/x86_64/layout.c": text})[0], [])

    def test_exit_belongs_to_main(self):
        self.assertEqual(len(faults_of({"tracer/trap.c": "void f(void)\n{\n\texit(1);\n}\n"})[0]), 1)
        fine = 'void f(void)\n{\n\t_exit(1); /* exit(1) */ puts("exit(1)"); task_exit(1); ops->exit(1);\n}\n'
        self.assertEqual(faults_of({"tracer/trap.c": fine})[0], [])
        self.assertEqual(faults_of({"cli/exit.c": "void f(void)\n{\n\texit(1);\n}\n"})[0], [])

    def test_long_things_are_warnings(self):
        text = "void f(void)\n{\n" + "\tg();\n" * 101 + "}\n"
        faults, warnings = faults_of({"base/a.c": text, "base/b.c": "\n" * 601})
        self.assertEqual(faults, [])
        self.assertEqual(len(warnings), 2)


if __name__ == "__main__":
    unittest.main()
