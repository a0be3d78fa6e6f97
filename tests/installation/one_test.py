"""Runs one test of a module for ctest: exit code 0 passed, 1 failed, 77 skipped, with the reason as GoogleTest says it.

usage, at the end of a module:   one_test.main()     and in a shell:   module.py Class.test_name
"""

import sys
import unittest


def main():
    sys.dont_write_bytecode = True
    suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:], sys.modules["__main__"])
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    for test, reason in result.skipped:
        print(f"{test}: Skipped\n{reason}")
    sys.exit(77 if result.skipped else 0)
