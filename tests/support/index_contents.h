// What an index holds, to compare two of them. Runs in: tests.
#pragma once

#include <map>
#include <set>
#include <string>

namespace pairloom::test {

// Everything an index says that does not depend on when and by whom it was said.
struct IndexContents {
  std::map<std::string, std::string> files;  // path -> outcome, digest, facts, PDQ code
  std::set<std::string> pairs;               // "path path distance"
  friend bool operator==(const IndexContents&, const IndexContents&) = default;
};

// Throws when the index cannot be read.
IndexContents contents_of(const std::string& index_path);

// What `index verify` finds wrong, joined; empty: it is sound.
std::string problems_of(const std::string& index_path);

}  // namespace pairloom::test
