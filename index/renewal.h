// What is done with an index that is damaged: it is not mended but made anew. Its files get other names, nothing of them is
// lost, and what was decided is carried over to the index that takes its place. Runs in: supervisor.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "index/index_writer.h"

namespace pairloom::index {

struct OpenedIndex {
  IndexWriter index;                     // a new one has the old one's roots and wanted distances, and nothing else
  std::optional<std::string> set_aside;  // the name that a damaged one has now
};

// True if SQLite, asked to look at every page, finds nothing wrong: what was reported as damage was a read that failed, as
// it may not the next time. Rows that contradict each other are not seen.
bool reads_well(const std::string& path);

// IndexWriter::open(), but a damaged index is set aside and a new one returned. A file that was never an index of ours is
// not touched: kIndexCorrupt. (It is one by its application id; or, where its beginning is destroyed, by the files beside
// it, which only an index has.) One that only failed to be read once is opened as it is.
Result<OpenedIndex> open_or_renew(const std::string& path, const std::string& program);

// Sets the index aside in any state; also one that turned out to be damaged while it was written to.
Result<OpenedIndex> renew(const std::string& path, const std::string& program);
Result<OpenedIndex> renew(IndexWriter damaged, const std::string& program);

}  // namespace pairloom::index
