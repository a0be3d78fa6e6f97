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
};  // then the path of the code file
static_assert(sizeof(SetupWire) == 24 && sizeof(PairTask) == 16 && sizeof(Pair) == 12);

}  // namespace

std::vector<std::byte> encode(const PairSetup& setup) {
  const SetupWire wire{static_cast<uint32_t>(setup.algorithm), setup.radius, setup.index_id, setup.generation};
  std::vector<std::byte> out(sizeof wire + setup.code_file.size());
  std::memcpy(out.data(), &wire, sizeof wire);
  std::memcpy(out.data() + sizeof wire, setup.code_file.data(), setup.code_file.size());
  return out;
}

Result<PairSetup> decode_pair_setup(std::span<const std::byte> bytes) {
  SetupWire wire;
  if (bytes.size() < sizeof wire) return fail(Errc::kProtocol, "pair setup: too short");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  const auto algorithm =
      wire.algorithm < 256 ? algorithm_from_number(static_cast<uint8_t>(wire.algorithm)) : std::nullopt;
  if (!algorithm || wire.radius > info(*algorithm).bits)
    return fail(Errc::kProtocol, "pair setup: algorithm or radius");
  const auto path = bytes.subspan(sizeof wire);
  return PairSetup{*algorithm, wire.radius, wire.index_id, wire.generation,
                   std::string(reinterpret_cast<const char*>(path.data()), path.size())};
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
  if (task.first > task.last) return fail(Errc::kProtocol, "pair task: empty range");
  return task;
}

std::vector<std::byte> encode(std::span<const Pair> pairs) {
  const auto bytes = std::as_bytes(pairs);
  return {bytes.begin(), bytes.end()};
}

Result<std::vector<Pair>> decode_pairs(std::span<const std::byte> bytes, uint32_t radius) {
  if (bytes.size() % sizeof(Pair) != 0) return fail(Errc::kProtocol, "pairs: length is no multiple of a pair");
  std::vector<Pair> pairs(bytes.size() / sizeof(Pair));
  if (!pairs.empty()) std::memcpy(pairs.data(), bytes.data(), bytes.size());
  for (const Pair& pair : pairs)
    if (pair.a == 0 || pair.a >= pair.b || pair.distance > radius)
      return fail(Errc::kProtocol, fmt::format("pairs: ({}, {}) at distance {}", pair.a, pair.b, pair.distance));
  return pairs;
}

}  // namespace pairloom::jobs
