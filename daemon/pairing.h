// Pairing: the job that finds the near-duplicate pairs of codes that are new since the last time, over the mapped code
// file. Its pieces are ranges of positions; each is compared with everything before it, so the pieces are independent
// and may be done, redone and stored in any order. Runs in: supervisor.
#pragma once

#include <cstdint>

#include "daemon/job.h"
#include "daemon/pool.h"
#include "index/index_writer.h"

namespace pairloom::daemon {

class Pairing final : public Job {
 public:
  // The pool's workers will share the work. Nothing to do (no new codes) shows as code_count() == first().
  static Result<Pairing> create(index::IndexWriter& index, Algorithm algorithm, Pool& pool);

  jobs::JobKind kind() const override { return jobs::JobKind::kPair; }
  std::vector<std::byte> setup() const override;
  uint64_t max_result_bytes() const override { return 64 * 1024; }
  Result<Pull> pull(Task& task) override;
  Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) override;
  Result<> blame(const Task&, uint32_t) override { return {}; }  // a code range is no hostile file: try again
  Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) override;
  Result<> tick(int64_t now_ns) override;
  int64_t next_tick_ns() const override { return commit_at_ns_; }
  // Stores that everything up to now is paired. Call after the run.
  Result<> finish();

  uint64_t first() const { return first_; }
  uint64_t code_count() const { return count_; }
  uint64_t codes_done() const { return done_; }
  uint64_t pairs_found() const { return pairs_; }

 private:
  Pairing(index::IndexWriter& index, Algorithm algorithm, uint64_t first, uint64_t count, int workers);

  index::IndexWriter* index_;
  Algorithm algorithm_;
  uint32_t radius_;
  uint64_t first_, count_;  // positions [first_, count_) are new
  int workers_;
  uint64_t next_;  // start of the next piece
  uint64_t done_ = 0, pairs_ = 0, next_task_ = 0;
  int64_t commit_at_ns_ = -1;
};

}  // namespace pairloom::daemon
