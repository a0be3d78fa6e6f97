// Groups in every output format. Stable and documented: docs/cli.md, "Output formats". Runs in: cli.
#pragma once

#include <memory>
#include <string>

#include "cli/duplicate_group.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/style.h"
#include "daemon/index_run.h"

namespace pairloom::cli {

// What was asked for; the jsonl header repeats it.
struct GroupParameters {
  std::string index;
  std::string_view algorithm;  // "pdq"
  uint32_t bits = 0;
  bool exact_only = false;
  uint32_t distance = 0;  // largest that counts
  std::string_view linkage;
  std::string_view sort;
  uint64_t limit = 0;  // 0 = all
};

struct GroupTotals {
  uint64_t groups = 0, shown = 0;
  uint64_t files = 0;      // in all groups, shown or not
  uint64_t redundant = 0;  // files beyond one for each group
  uint64_t reclaimable_bytes = 0;
  uint64_t low_information = 0;  // contents left out of grouping
};

class GroupWriter {
 public:
  virtual ~GroupWriter() = default;
  virtual void begin(const GroupParameters&) {}
  virtual void problem(const daemon::Problem&) {}  // an input that could not be read (scan)
  virtual void group(const DuplicateGroup& group) = 0;
  virtual void end(const GroupTotals&) {}
};

std::unique_ptr<GroupWriter> make_group_writer(OutputFormat format, Output& out, const Style& style);

// "913 groups, 1204 redundant files, 775 MB reclaimable"
std::string totals_text(const GroupTotals& totals);

}  // namespace pairloom::cli
