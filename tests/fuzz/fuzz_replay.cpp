// The fuzz targets in builds without libFuzzer: their seeds, and the seeds damaged at random; the same seed number gives
// the same inputs. Leaves the input in hand behind as fuzz-TARGET.input when something does not hold.
//   fuzz_replay --list
//   fuzz_replay TARGET INPUTS [SEED]     so many damaged inputs, after the whole ones
//   fuzz_replay TARGET --file FILE..     these, as libFuzzer leaves them
//   fuzz_replay TARGET --corpus DIR      writes the seeds, for libFuzzer to start from
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/jpeg_variants.h"

namespace pairloom::test {
namespace {

// For the handler of a crash: the input in hand, and where it goes.
const Bytes* in_hand = nullptr;
std::string kept_as;

void keep_input(int signal) {
  if (std::FILE* file = std::fopen(kept_as.c_str(), "wb"); file != nullptr && in_hand != nullptr) {
    std::fwrite(in_hand->data(), 1, in_hand->size(), file);
    std::fclose(file);
    std::fprintf(stderr, "the input is kept as %s\n", kept_as.c_str());
  }
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

void try_one(const FuzzTarget& target, const Bytes& input) {
  const Bytes exact(input);
  in_hand = &exact;
  target.try_input(exact);
  in_hand = nullptr;
}

std::byte telling_byte(Random& random) {
  static constexpr uint8_t kTelling[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF, '0', '9', '\n', '"'};
  return static_cast<std::byte>(random.one_in(2) ? kTelling[random.below(std::size(kTelling))] : random.below(256));
}

// One change at a random place; beginnings, where headers are, are hit more often.
void damage(Bytes& input, const Bytes& other, Random& random) {
  if (input.empty()) return input.push_back(telling_byte(random));
  const auto size = static_cast<uint32_t>(input.size());
  const size_t at = random.below(random.one_in(2) ? std::min(size, 64u) : size);
  const auto place = [&](size_t offset) { return input.begin() + static_cast<ptrdiff_t>(std::min(offset, input.size())); };
  switch (random.below(8)) {
    case 0:
    case 1:
      input[at] ^= static_cast<std::byte>(1u << random.below(8));
      break;
    case 2:
      input[at] = telling_byte(random);
      break;
    case 3: {  // a number: all ones, zero, or a little more
      const size_t width = size_t{1} << random.below(4);
      const auto fill = static_cast<std::byte>(random.one_in(2) ? 0xFF : 0);
      std::fill(place(at), place(at + width), fill);
      if (random.one_in(2)) input[at] = static_cast<std::byte>(random.below(256));
      break;
    }
    case 4:
      input.resize(at);
      break;
    case 5:
      input.erase(place(at), place(at + 1 + random.below(16)));
      break;
    case 6:
      input.insert(place(at), 1 + random.below(16), telling_byte(random));
      break;
    default: {  // a piece of another
      if (other.empty()) break;
      const size_t from = random.below(static_cast<uint32_t>(other.size()));
      const size_t count = std::min<size_t>(1 + random.below(64), other.size() - from);
      const Bytes piece(other.begin() + static_cast<ptrdiff_t>(from), other.begin() + static_cast<ptrdiff_t>(from + count));
      input.insert(place(at), piece.begin(), piece.end());
      break;
    }
  }
}

int replay(const FuzzTarget& target, uint64_t inputs, uint64_t seed) {
  const std::vector<Bytes> seeds = target.seeds();
  must(!seeds.empty(), "a target has seeds");
  for (const Bytes& whole : seeds) try_one(target, whole);
  Random random(seed);
  const auto pick = [&]() -> const Bytes& { return seeds[random.below(static_cast<uint32_t>(seeds.size()))]; };
  for (uint64_t i = 0; i < inputs; ++i) {
    Bytes input = pick();
    for (uint32_t hits = random.one_in(2) ? 1 : 1 + random.below(6); hits > 0; --hits) damage(input, pick(), random);
    try_one(target, input);
  }
  std::printf("%s: %zu whole and %llu damaged inputs\n", target.name.c_str(), seeds.size(),
              static_cast<unsigned long long>(inputs));
  return 0;
}

Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return bytes_of(text);
}

int write_corpus(const FuzzTarget& target, const std::string& directory) {
  int number = 0;
  for (const Bytes& seed : target.seeds()) {
    std::ofstream out(directory + "/seed" + std::to_string(number++), std::ios::binary);
    out << text_of(seed);
    if (!out.flush()) return std::perror(directory.c_str()), 2;
  }
  return 0;
}

int run(std::span<char*> arguments) {
  if (arguments.size() == 1 && arguments[0] == std::string_view("--list")) {
    for (const FuzzTarget& target : fuzz_targets()) std::printf("%s\n", target.name.c_str());
    return 0;
  }
  const FuzzTarget* target = arguments.size() < 2 ? nullptr : find_fuzz_target(arguments[0]);
  if (target == nullptr) {
    std::fprintf(stderr, "usage: fuzz_replay --list | TARGET INPUTS [SEED] | TARGET --file FILE.. | TARGET --corpus DIR\n");
    return 2;
  }
  kept_as = "fuzz-" + target->name + ".input";
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, keep_input);
  const std::string_view what = arguments[1];
  if (what == "--corpus") return arguments.size() == 3 ? write_corpus(*target, arguments[2]) : 2;
  if (what == "--file") {
    for (const char* file : arguments.subspan(2)) try_one(*target, read_file(file));
    return 0;
  }
  return replay(*target, std::strtoull(arguments[1], nullptr, 10),
                arguments.size() > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1);
}

}  // namespace
}  // namespace pairloom::test

int main(int argc, char** argv) {
  return pairloom::test::run({argv + 1, argv + std::max(argc, 1)});
}
