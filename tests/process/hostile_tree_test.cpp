// A whole run over a tree made to hurt: it ends by itself, every file is accounted for with its reason, no worker takes
// more memory than it may, and the second run has nothing to do.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/sanitized.h"
#include "index/index_reader.h"
#include "tests/support/hostile_tree.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWorkerMemoryBytes = 600u << 20;

struct Seen {
  Outcome outcome;
  std::string message;
};

class HostileTree : public ::testing::Test {
 protected:
  test::Finished index_add() {
    return test::run_program({PAIRLOOM_PROGRAM, "--index", index_path(), "--jobs", "2", "--worker-memory",
                              std::to_string(kWorkerMemoryBytes), "index", "add", tree_.path()});
  }

  std::map<std::string, Seen> seen() {
    std::map<std::string, Seen> all;
    auto index = index::IndexReader::open(index_path()).value();
    EXPECT_TRUE(index.visit_files([&](const index::FileRow& row) -> Result<> {
      all[row.path.substr(tree_.path().size() + 1)] = {row.outcome, ""};
      return {};
    }));
    EXPECT_TRUE(index.visit_failures([&](const index::FailureRow& row) -> Result<> {
      all[row.path.substr(tree_.path().size() + 1)].message = row.message;
      return {};
    }));
    return all;
  }

  nlohmann::json last_run() {
    const auto status = test::run_program({PAIRLOOM_PROGRAM, "--index", index_path(), "status", "-o", "jsonl"});
    std::istringstream lines(status.out);
    std::string line;
    std::getline(lines, line);
    std::getline(lines, line);
    return nlohmann::json::parse(line);
  }

  std::string index_path() const { return home_ / "index.db"; }
  test::TempDir tree_, home_;
};

TEST_F(HostileTree, IsIndexedToTheEndWithAReasonForEachFile) {
  const auto files = test::plant_hostile_tree(tree_.path(), ::geteuid() != 0);
  const auto first = index_add();
  EXPECT_EQ(first.status, 3) << first.err;
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  if (!kSanitized) {
    EXPECT_LT(static_cast<uint64_t>(used.ru_maxrss) * 1024, kWorkerMemoryBytes) << "the largest process of all";
  }

  const auto now = seen();
  EXPECT_EQ(now.size(), files.size());
  for (const auto& [name, expected] : files) {
    const auto found = now.find(name);
    ASSERT_NE(found, now.end()) << name;
    const auto& [outcome, message] = found->second;
    if (expected) {
      EXPECT_EQ(name_of(outcome), name_of(*expected)) << name << ": " << message;
    }
    if (is_failure(outcome)) {
      EXPECT_FALSE(message.empty()) << name;
    }
    EXPECT_NE(outcome, Outcome::kCrashed) << name << ": " << message;
    EXPECT_NE(outcome, Outcome::kTimedOut) << name << ": " << message;
  }
  const nlohmann::json run = last_run();
  EXPECT_EQ(run["seen"], files.size());
  EXPECT_EQ(run["worker_deaths"], 0);
  EXPECT_EQ(run["indexed"].get<uint64_t>() + run["not_images"].get<uint64_t>() + run["unreadable"].get<uint64_t>(),
            files.size());

  const auto second = index_add();
  EXPECT_EQ(second.status, 3) << "failures are told again";
  const nlohmann::json again = last_run();
  EXPECT_EQ(again["unchanged"], run["indexed"]);
  EXPECT_EQ(again["indexed"], 0);
  EXPECT_EQ(again["bytes_read"], 0);
  EXPECT_TRUE(::geteuid() != 0 || again["workers"].empty()) << "nothing to do";
}

}  // namespace
}  // namespace pairloom
