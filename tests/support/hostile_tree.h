// A directory tree made to hurt: every format broken off at every kind of place and damaged at random, bombs, lying
// headers, special files, names that are no text, a file of 10 GB. Drawn and encoded here, the same in every run.
// Runs in: tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/image.h"

namespace pairloom::test {

struct HostileFile {
  std::string name;                 // below the tree's directory
  std::optional<Outcome> expected;  // none: any that says why
};

// Makes the tree in an empty directory. Returns its regular files; FIFOs, sockets, links, devices (as root) and
// directories with names of files stand between them and are no inputs. `unreadable`: with files that may not be read,
// which only helps where the program does not run as root.
std::vector<HostileFile> plant_hostile_tree(const std::string& directory, bool unreadable);

}  // namespace pairloom::test
