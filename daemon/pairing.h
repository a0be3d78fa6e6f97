// Pairing: the job that finds the near-duplicate pairs that the index does not hold yet, over the mapped code file: of
// codes that are new since the last time, or of all codes if the distance has grown. search/join_plan.h chooses how:
// few new codes are compared with all others, many go through the banded join. The tasks are independent and may be
// done, redone and stored in any order. What is done of a long pairing is noted in the index, and the next run goes on
// from there, with the same plan. What workers report is checked against the codes themselves. Runs in:
// supervisor.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "daemon/job.h"
#include "daemon/pool.h"
#include "index/index_writer.h"
#include "index/pairing_store.h"
#include "jobs/pair_job.h"
#include "search/code_file.h"

namespace pairloom::daemon {

class Pairing final : public Job {
 public:
  // The pool's workers will share the work, and `memory_bytes`. Nothing to do (no new codes) shows as is_complete().
  static Result<Pairing> create(index::IndexWriter& index, Algorithm algorithm, Pool& pool, uint64_t memory_bytes);

  jobs::JobKind kind() const override { return jobs::JobKind::kPair; }
  std::vector<std::byte> setup() const override { return jobs::encode(setup_); }
  std::span<const int> shared_descriptors() const override { return {&code_file_number_, 1}; }
  uint64_t max_result_bytes() const override { return 128 * 1024; }
  Result<Pull> pull(Task& task) override;
  Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) override;
  Result<> blame(const Task&, uint32_t) override { return {}; }  // a code range is no hostile file: try again
  Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) override;
  Result<> tick(int64_t now_ns) override;
  int64_t next_tick_ns() const override { return commit_at_ns_; }
  // Stores that everything up to now is paired. Call after the run.
  Result<> finish();

  bool is_complete() const { return tasks_.empty(); }
  uint64_t codes_to_pair() const { return to_pair_; }
  uint64_t codes_done() const;  // by the share of the work that is done
  uint64_t pairs_found() const { return pairs_; }

 private:
  struct Piece {
    jobs::PairTask task;
    double share;  // of the whole work
    bool done = false;  // in an earlier run
  };
  Pairing(index::IndexWriter& index, const index::PairingState& state, jobs::PairSetup setup);
  Result<> open_codes();
  // Takes up pairing that was cut short, if it fits the index as it is now. False: there is none.
  Result<bool> resume();
  Result<> plan(Pool& pool, uint64_t memory_bytes);
  Result<> store_plan(double seconds);
  Result<> put_found();
  Result<> commit();
  void plan_scan(uint64_t first, uint64_t workers);

  index::IndexWriter* index_;
  index::PairingStore store_;
  jobs::PairSetup setup_;
  uint64_t to_pair_;
  Fd code_file_;
  int code_file_number_ = -1;
  std::unique_ptr<search::CodeFile> codes_;
  std::vector<Piece> tasks_;
  size_t next_ = 0;
  uint64_t pairs_ = 0;
  double done_ = 0;
  int64_t commit_at_ns_ = -1;
  bool noted_ = false;  // the plan is in the index: what is done is noted there
  // Since the last commit: pairs, tasks that are done, and crowded contents.
  std::vector<index::PairRow> pairs_since_;
  std::vector<uint64_t> done_since_;
  std::vector<index::ContentId> crowded_since_;
};

}  // namespace pairloom::daemon
