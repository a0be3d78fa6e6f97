#!/usr/bin/env python3
"""Prints the skipped tests of a ctest JUnit file with their reasons, then ctest's summary line.

usage: summarize_tests.py FILE.xml
"""

import re
import sys
import xml.etree.ElementTree


def reason_of(case):
    """The text given to GTEST_SKIP(), which is printed on the line after 'file:line: Skipped'; scripts do the same."""
    found = re.search(r": Skipped\n(.+)", case.findtext("system-out") or "")
    return found.group(1).strip() if found else "no reason given"


def main():
    cases = list(xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"))
    failed = [case for case in cases if case.get("status") == "fail"]
    skipped = [case for case in cases if case.get("status") in ("notrun", "disabled")]
    if skipped:
        by_reason = {}
        for case in skipped:
            by_reason.setdefault(reason_of(case), []).append(case.get("name"))
        print(f"\n{len(skipped)} of {len(cases)} tests were skipped:")
        for reason, names in by_reason.items():
            print(f"  {reason}")
            for name in names:
                print(f"    {name}")
    passed = 100 * (len(cases) - len(failed)) // max(1, len(cases))
    print(f"\n{passed}% tests passed, {len(failed)} tests failed out of {len(cases)}")


if __name__ == "__main__":
    main()
