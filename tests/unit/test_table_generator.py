#!/usr/bin/env python3
"""The generator refuses what is wrong in a table, and says where: test_table_generator.py SRC"""

import os
import sys
import tempfile
import unittest

SRC = sys.argv.pop(1)
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SRC, "src", "syscalls"))
import gen_c  # noqa: E402
import gen_manual  # noqa: E402
import gen_model  # noqa: E402

TYPES = """\
int int s32 in
fd fd s32 in
size uint u64 in
off64 int s64x2 in
path path u64 in
flags flags u32 in set
buf pointer u64 in link
opt pointer u64 in link?
"""
FLAGS = "colours flags -\n\tRED 1\n\tGREEN 2\n"
GOOD = "paint 1 2 3 4 desc native int fd:fd how:flags(colours)\n"


class Tables(unittest.TestCase):
    def load(self, rows=GOOD, types=TYPES, flags=FLAGS):
        with tempfile.TemporaryDirectory() as work:
            names = []
            for name, text in (("types.tbl", types), ("calls.tbl", rows), ("flags.tbl", flags)):
                names.append(os.path.join(work, name))
                with open(names[-1], "w", encoding="utf-8") as f:
                    f.write(text)
            return gen_model.load(names[0], names[1], names[2:])

    def refuses(self, place, message, **tables):
        with self.assertRaises(gen_model.TableError) as caught:
            self.load(**tables)
        self.assertIn(place + ": ", str(caught.exception))
        self.assertIn(message, str(caught.exception))

    def test_good(self):
        types, rows, sets = self.load("# comment\n\n" + GOOD + "\ti386: fd:fd - how:flags(colours)\n")
        self.assertEqual(rows[0].numbers, [1, 2, 3, 4])
        self.assertEqual([p.reg for p in rows[0].params], [0, 1])
        self.assertEqual([p.reg for p in rows[0].variants[gen_model.ABI_I386]], [0, 2])
        for emit in (gen_c.ids, gen_c.data, gen_c.flags, gen_c.handlers, gen_manual.page):
            self.assertIn("paint", emit(types, rows, sets) + "paint" * (emit in (gen_c.flags, gen_c.handlers)))

    def test_handler_is_claimed(self):
        emulated = self.load("paint 1 - - - - emulated int\n")
        self.assertIn("[CALL_paint] = sys_paint", gen_c.handlers(*emulated))
        self.assertIn("call_handler sys_paint;", gen_c.handlers_header(*emulated))
        self.assertNotIn("sys_paint", gen_c.handlers(*self.load()))

    def test_rows(self):
        for row, message in (
                ("paint 1 2 3 - desc native\n", "a row needs"),
                ("Paint 1 2 3 - desc native int\n", "not the name of a call"),
                ("paint one 2 3 - desc native int\n", "'one' is not a system call number"),
                ("paint 5000 2 3 - desc native int\n", "'5000' is not a system call number"),
                ("paint - - - - desc native int\n", "no number on any ABI"),
                ("paint 1 2 3 - desc,paint native int\n", "unknown group 'paint'"),
                ("paint 1 2 3 - desc faked int\n", "unknown support 'faked'"),
                ("paint 1 2 3 - desc partial int\n", "needs a '; note'"),
                ("paint 1 2 3 - desc native real\n", "unknown result 'real'"),
                ("paint 1 2 3 - desc native special(colour)\n", "unknown type 'colour' of the result"),
                ("paint 1 2 3 - desc native int; until 5.1\n", "expected '; since VERSION'"),
                ("paint 1 2 3 - desc native int; since 5.1; since 5.2\n", "'since' is given twice")):
            with self.subTest(row=row):
                self.refuses("calls.tbl:2", message, rows="# head\n" + row)

    def test_parameters(self):
        for params, message in (
                ("fd", "'fd' is not a parameter"),
                ("fd:colour", "unknown type 'colour' of parameter 'fd'"),
                ("fd:fd fd:int", "parameter 'fd' is given twice"),
                ("how:flags(shapes)", "unknown set 'shapes'"),
                ("how:flags", "takes 1 to 1 arguments"),
                ("fd:fd(count)", "takes 0 to 0 arguments"),
                ("data:buf(count)", "refers to 'count', which is no parameter"),
                ("a:int b:int c:int d:int e:int f:int g:int", "7 argument registers"),
                ("a:int b:int c:int d:int e:int f:off64", "7 argument registers")):
            with self.subTest(params=params):
                self.refuses("calls.tbl:1", message, rows="paint 1 - - - - native int " + params + "\n")
        self.load("paint 1 - - - - native int data:opt\n")

    def test_duplicates(self):
        self.refuses("calls.tbl:2", "call 'paint' is declared twice", rows=GOOD + "paint 7 - - - - native int\n")
        self.refuses("calls.tbl:2", "aarch64 number 2 of 'draw' is taken by 'paint'",
                     rows=GOOD + "draw 7 2 - - - native int\n")

    def test_variants(self):
        self.refuses("calls.tbl:1", "below a call's row", rows="\ti386: fd:fd\n")
        self.refuses("calls.tbl:2", "unknown ABI 'arm'", rows=GOOD + "\tarm: fd:fd\n")
        self.refuses("calls.tbl:2", "has no x32 number", rows="paint 1 - - - - native int\n" + "\tx32: fd:fd\n")
        self.refuses("calls.tbl:3", "has i386 parameters already", rows=GOOD + "\ti386: fd:fd\n\ti386: fd:int\n")

    def test_types(self):
        for line, message in (
                ("colour int s32", "a type needs"),
                ("colour paint s32 in", "unknown kind 'paint'"),
                ("colour int s16 in", "unknown width 's16'"),
                ("colour int s32 sideways", "unknown direction 'sideways'"),
                ("colour int s32 in paint", "unknown argument 'paint'"),
                ("int int s32 in", "declared twice")):
            with self.subTest(line=line):
                self.refuses("types.tbl:9", message, types=TYPES + line + "\n")

    def test_flags(self):
        for line, message in (
                ("\tBLUE", "a constant needs"),
                ("\tBLUE x", "'x' is not a number"),
                ("\tBLUE 4/3", "bits outside its mask"),
                ("\tRED 4", "RED is twice"),
                ("\t+ shapes", "no such set above"),
                ("shapes flags", "a set's head needs"),
                ("shapes@vax flags -", "unknown ABI 'vax'"),
                ("shapes@i386 flags -", "must be declared before its i386 variant"),
                ("colours flags -", "declared twice"),
                ("shapes flags -", "set 'shapes' is empty"),
                ("shapes flags -\n\tRED 4", "RED is 0x4 here, 0x1 in the set")):
            with self.subTest(line=line):
                self.refuses("flags.tbl:4", message, flags=FLAGS + line + "\n")
        self.refuses("flags.tbl:1", "outside any set", flags="\tRED 1\n")

    def test_numbers_as_c_writes_them(self):
        flags = FLAGS + "more enum -\n\tTEN 10\n\tEIGHT 010\n\tHEX 0x10\n\tLESS -1\n"
        more = self.load(flags=flags)[2]["more"]
        self.assertEqual([f.value for f in more.flags], [10, 8, 16, 0xffffffffffffffff])


if __name__ == "__main__":
    unittest.main()
