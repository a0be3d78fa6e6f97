// FuzzTarget: some of our code that reads what others wrote, and what must hold whatever they wrote. The same targets run
// under libFuzzer (libfuzzer_main.cpp) and, on inputs damaged at random, in every build (fuzz_replay.cpp).
// Runs in: fuzzers, tests.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pairloom::test {

using Bytes = std::vector<std::byte>;

struct FuzzTarget {
  std::string name;
  // One input; ends the process when something does not hold. Sees the bytes in memory of exactly their size, so that a
  // sanitizer notices a read past the end.
  std::function<void(std::span<const std::byte>)> try_input;
  std::function<std::vector<Bytes>()> seeds;  // what is valid, to start from
};

// One for each format that is decoded ("decode-png"), then the others.
const std::vector<FuzzTarget>& fuzz_targets();
const FuzzTarget* find_fuzz_target(std::string_view name);

// What the files of this folder contribute.
void add_decoder_targets(std::vector<FuzzTarget>& targets);  // fuzz_decoders.cpp
void add_record_targets(std::vector<FuzzTarget>& targets);   // fuzz_records.cpp: what goes between processes
void add_ring_target(std::vector<FuzzTarget>& targets);      // fuzz_ring.cpp
void add_file_targets(std::vector<FuzzTarget>& targets);     // fuzz_files.cpp: what lies on disk beside the index
void add_service_targets(std::vector<FuzzTarget>& targets);  // fuzz_service.cpp: configuration, control protocol
void add_text_targets(std::vector<FuzzTarget>& targets);     // fuzz_text.cpp: what people and scripts write

// For try_input: what must hold.
inline void must(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}
inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace pairloom::test
