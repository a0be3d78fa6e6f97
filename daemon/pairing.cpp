#include "daemon/pairing.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/clock.h"
#include "jobs/pair_job.h"

namespace pairloom::daemon {
namespace {

constexpr int64_t kCommitNs = 500'000'000;
// A piece is about this many comparisons (tens of milliseconds), whatever its place in the file, and at least this
// long.
constexpr uint64_t kPieceComparisons = 200'000'000;
constexpr uint64_t kMinPieceCodes = 64;

}  // namespace

Pairing::Pairing(index::IndexWriter& index, Algorithm algorithm, uint64_t first, uint64_t count, int workers)
    : index_(&index),
      algorithm_(algorithm),
      radius_(info(algorithm).similar),
      first_(first),
      count_(count),
      workers_(workers),
      next_(first) {}

Result<Pairing> Pairing::create(index::IndexWriter& index, Algorithm algorithm, Pool& pool) {
  PAIRLOOM_ASSIGN(const index::PairingState state, index.pairing_state(algorithm));
  const bool same_radius = state.radius >= info(algorithm).similar;
  const uint64_t first = same_radius ? std::min(state.position, state.code_count) : 0;
  return Pairing(index, algorithm, first, state.code_count, first < state.code_count ? pool.size() : 1);
}

std::vector<std::byte> Pairing::setup() const {
  jobs::PairSetup setup;
  setup.algorithm = algorithm_;
  setup.radius = radius_;
  setup.index_id = index_->index_id();
  setup.generation = index_->generation();
  setup.code_file = index_->code_file_path(algorithm_);
  return jobs::encode(setup);
}

Result<Job::Pull> Pairing::pull(Task& task) {
  if (next_ >= count_) return Pull::kEnd;
  const uint64_t share = (count_ - first_) / static_cast<uint64_t>(2 * workers_) + 1;
  const uint64_t codes = std::min(share, std::max(kMinPieceCodes, kPieceComparisons / (next_ + 1)));
  const jobs::PairTask piece{next_, std::min(count_, next_ + codes)};
  next_ = piece.last;
  task.id = next_task_++;
  task.payload = jobs::encode(piece);
  return Pull::kTask;
}

Result<> Pairing::accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) {
  PAIRLOOM_ASSIGN(const auto found, jobs::decode_pairs(payload, radius_));
  std::vector<index::PairRow> rows;
  rows.reserve(found.size());
  for (const jobs::Pair& pair : found) rows.push_back({pair.a, pair.b, pair.distance});
  PAIRLOOM_TRY(index_->put_pairs(algorithm_, rows));
  pairs_ += rows.size();
  if (commit_at_ns_ < 0) commit_at_ns_ = system_clock().monotonic_ns() + kCommitNs;
  if (origin.last) {
    PAIRLOOM_ASSIGN(const jobs::PairTask piece, jobs::decode_pair_task(task.payload));
    done_ += piece.last - piece.first;
  }
  return {};
}

Result<> Pairing::give_up(const Task&, Outcome, const std::string& reason) {
  return fail(Errc::kNoWorkers, "pairing failed: " + reason + "; nothing is lost, run it again");
}

Result<> Pairing::tick(int64_t now_ns) {
  if (commit_at_ns_ < 0 || now_ns < commit_at_ns_) return {};
  commit_at_ns_ = -1;
  return index_->commit();
}

Result<> Pairing::finish() {
  return index_->set_pairing_state(algorithm_, radius_, count_);
}

}  // namespace pairloom::daemon
