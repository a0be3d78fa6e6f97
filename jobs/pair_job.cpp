#include "jobs/pair_job.h"

#include <fmt/format.h>
#include <cstring>

namespace pairloom::jobs {
namespace {

struct SetupWire {
  uint32_t algorithm;
  uint32_t radius;
  uint64_t index_id;
  uint64_t generation;
  uint64_t count;
  uint64_t known_positions;
  int32_t known_radius;
  uint32_t zero;
  PairSetup::Word words[4];
};
struct ResultWire {
  uint32_t pairs, crowded;
};  // then the pairs, then the crowded positions
static_assert(sizeof(SetupWire) == 80 && sizeof(PairTask) == 32 && sizeof(Pair) == 12 && sizeof(ResultWire) == 8);

}  // namespace

std::vector<std::byte> encode(const PairSetup& setup) {
  SetupWire wire{static_cast<uint32_t>(setup.algorithm),
                 setup.radius,
                 setup.index_id,
                 setup.generation,
                 setup.count,
                 setup.known_positions,
                 setup.known_radius,
                 0,
                 {}};
  for (size_t w = 0; w < setup.words.size(); ++w) wire.words[w] = setup.words[w];
  std::vector<std::byte> out(sizeof wire);
  std::memcpy(out.data(), &wire, sizeof wire);
  return out;
}

Result<PairSetup> decode_pair_setup(std::span<const std::byte> bytes) {
  SetupWire wire;
  if (bytes.size() != sizeof wire) return fail(Errc::kProtocol, "pair setup: wrong size");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  const auto algorithm =
      wire.algorithm < 256 ? algorithm_from_number(static_cast<uint8_t>(wire.algorithm)) : std::nullopt;
  if (!algorithm || wire.radius > info(*algorithm).bits)
    return fail(Errc::kProtocol, "pair setup: algorithm or radius");
  PairSetup setup{*algorithm, wire.radius,          wire.index_id,     wire.generation,
                  wire.count, wire.known_positions, wire.known_radius, {}};
  for (size_t w = 0; w < setup.words.size(); ++w) setup.words[w] = wire.words[w];
  return setup;
}

std::vector<std::byte> encode(const PairTask& task) {
  std::vector<std::byte> out(sizeof task);
  std::memcpy(out.data(), &task, sizeof task);
  return out;
}

Result<PairTask> decode_pair_task(std::span<const std::byte> bytes) {
  PairTask task;
  if (bytes.size() != sizeof task) return fail(Errc::kProtocol, "pair task: wrong size");
  std::memcpy(&task, bytes.data(), sizeof task);
  if (task.kind < PairTask::Kind::kScan || task.kind > PairTask::Kind::kJoin || task.word > 3 || task.block > 63)
    return fail(Errc::kProtocol, "pair task: unknown kind, word or block");
  if (task.first > task.last) return fail(Errc::kProtocol, "pair task: empty range");
  return task;
}

std::vector<std::byte> encode(const PairResult& result) {
  const ResultWire wire{static_cast<uint32_t>(result.pairs.size()), static_cast<uint32_t>(result.crowded.size())};
  const size_t pair_bytes = result.pairs.size() * sizeof(Pair),
               crowded_bytes = result.crowded.size() * sizeof(uint32_t);
  std::vector<std::byte> out(sizeof wire + pair_bytes + crowded_bytes);
  std::memcpy(out.data(), &wire, sizeof wire);
  if (pair_bytes > 0) std::memcpy(&out[sizeof wire], result.pairs.data(), pair_bytes);
  if (crowded_bytes > 0) std::memcpy(&out[sizeof wire + pair_bytes], result.crowded.data(), crowded_bytes);
  return out;
}

Result<PairResult> decode_pair_result(std::span<const std::byte> bytes, const PairSetup& setup) {
  ResultWire wire;
  if (bytes.size() < sizeof wire) return fail(Errc::kProtocol, "pairs: too short");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  bytes = bytes.subspan(sizeof wire);
  const uint64_t pair_bytes = uint64_t{wire.pairs} * sizeof(Pair);
  if (bytes.size() != pair_bytes + uint64_t{wire.crowded} * sizeof(uint32_t))
    return fail(Errc::kProtocol, "pairs: numbers and length disagree");
  PairResult result;
  result.pairs.resize(wire.pairs);
  result.crowded.resize(wire.crowded);
  if (wire.pairs > 0) std::memcpy(result.pairs.data(), bytes.data(), pair_bytes);
  if (wire.crowded > 0) std::memcpy(result.crowded.data(), bytes.data() + pair_bytes, bytes.size() - pair_bytes);
  for (const Pair& pair : result.pairs)
    if (pair.a >= pair.b || pair.b >= setup.count || pair.distance > setup.radius)
      return fail(Errc::kProtocol, fmt::format("pairs: ({}, {}) at distance {}", pair.a, pair.b, pair.distance));
  for (const uint32_t position : result.crowded)
    if (position >= setup.count) return fail(Errc::kProtocol, fmt::format("pairs: crowded position {}", position));
  return result;
}

}  // namespace pairloom::jobs
