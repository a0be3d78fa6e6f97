#include "daemon/pairing.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/clock.h"
#include "search/join_plan.h"

namespace pairloom::daemon {
namespace {

constexpr int64_t kCommitNs = 500'000'000;
// A part of a scan is about this many comparisons (tens of milliseconds), whatever its place in the file, and at least
// this many codes.
constexpr uint64_t kPartComparisons = 200'000'000;
constexpr uint64_t kMinPartCodes = 64;

}  // namespace

Pairing::Pairing(index::IndexWriter& index, const index::PairingState& state, jobs::PairSetup setup)
    : index_(&index), setup_(std::move(setup)), to_pair_(state.code_count) {
  if (state.radius >= setup_.radius) to_pair_ -= std::min(state.position, state.code_count);
}

Result<Pairing> Pairing::create(index::IndexWriter& index, Algorithm algorithm, Pool& pool, uint64_t memory_bytes) {
  PAIRLOOM_ASSIGN(const index::PairingState state, index.pairing_state(algorithm));
  jobs::PairSetup setup;
  setup.algorithm = algorithm;
  setup.radius = info(algorithm).similar;
  setup.index_id = index.index_id();
  setup.generation = index.generation();
  setup.count = state.code_count;
  setup.known_positions = std::min(state.position, state.code_count);
  setup.known_radius = state.position > 0 ? static_cast<int32_t>(state.radius) : -1;
  Pairing pairing(index, state, setup);
  if (pairing.to_pair_ > 0) PAIRLOOM_TRY(pairing.plan(pool, memory_bytes));
  return pairing;
}

Result<> Pairing::plan(Pool& pool, uint64_t memory_bytes) {
  const std::string path = index_->code_file_path(setup_.algorithm);
  code_file_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!code_file_) return fail_errno("cannot open '" + path + "'", errno);
  code_file_number_ = code_file_.get();
  PAIRLOOM_ASSIGN(auto codes,
                  search::CodeFile::open(code_file_.get(), path, setup_.algorithm, setup_.index_id, setup_.generation));
  codes_ = std::make_unique<search::CodeFile>(std::move(codes));

  search::PairingRequest request;
  request.count = setup_.count;
  request.radius = setup_.radius;
  request.known = {setup_.known_positions, setup_.known_radius};
  request.memory_bytes = memory_bytes;
  request.workers = pool.size();
  const search::PairingPlan plan = search::plan_pairing(*codes_, request);
  if (!plan.by_join) {
    plan_scan(plan.first_scanned, static_cast<uint64_t>(request.workers));
    return {};
  }
  for (size_t w = 0; w < plan.join.words.size(); ++w) {
    setup_.words[w] = {plan.join.words[w].radius, plan.join.words[w].equal};
  }
  tasks_.push_back({{jobs::PairTask::Kind::kEqual, 0, 0, 0, 0, setup_.count}, 0});
  for (size_t i = 0; i < plan.pieces.size(); ++i) {
    const search::JoinPiece& piece = plan.pieces[i];
    tasks_.push_back(
        {{jobs::PairTask::Kind::kJoin, piece.word, piece.block, 0, piece.first_key, piece.last_key}, plan.shares[i]});
  }
  return {};
}

void Pairing::plan_scan(uint64_t first, uint64_t workers) {
  const uint64_t share = (setup_.count - first) / (2 * workers) + 1;
  const auto pairs = [](uint64_t codes) { return static_cast<double>(codes) * static_cast<double>(codes); };
  for (uint64_t last = first; first < setup_.count; first = last) {
    last = std::min(setup_.count, first + std::min(share, std::max(kMinPartCodes, kPartComparisons / (first + 1))));
    const double part = (pairs(last) - pairs(first)) / (pairs(setup_.count) - pairs(setup_.count - to_pair_));
    tasks_.push_back({{jobs::PairTask::Kind::kScan, 0, 0, 0, first, last}, part});
  }
}

Result<Job::Pull> Pairing::pull(Task& task) {
  if (next_ == tasks_.size()) return Pull::kEnd;
  task.id = next_;
  task.payload = jobs::encode(tasks_[next_++].task);
  return Pull::kTask;
}

Result<> Pairing::accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) {
  PAIRLOOM_ASSIGN(const auto found, jobs::decode_pair_result(payload, setup_));
  std::vector<index::PairRow> rows;
  rows.reserve(found.pairs.size());
  for (const jobs::Pair& pair : found.pairs) {
    if (hamming_distance(codes_->code(pair.a), codes_->code(pair.b)) != static_cast<int>(pair.distance))
      return fail(Errc::kProtocol,
                  fmt::format("pairs: codes {} and {} are not {} bits apart", pair.a, pair.b, pair.distance));
    const auto [a, b] = std::minmax({codes_->content_id(pair.a), codes_->content_id(pair.b)});
    rows.push_back({a, b, pair.distance});
  }
  codes_->release_pages();  // this process's memory does not grow with the file
  PAIRLOOM_TRY(index_->put_pairs(setup_.algorithm, rows));
  pairs_ += rows.size();
  if (commit_at_ns_ < 0) commit_at_ns_ = system_clock().monotonic_ns() + kCommitNs;
  if (origin.last) done_ += tasks_[task.id].share;
  return {};
}

uint64_t Pairing::codes_done() const {
  return std::min(to_pair_, static_cast<uint64_t>(done_ * static_cast<double>(to_pair_)));
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
  return index_->set_pairing_state(setup_.algorithm, setup_.radius, setup_.count);
}

}  // namespace pairloom::daemon
