// Feeds the reduced JPEG decoder JPEGs of every kind with damage of every kind and compares it with libjpeg-turbo.
// Each input is decoded at one of the four sizes. Stops at the first disagreement and leaves the file behind. The same seed gives the same inputs.
//   jpeg_mutate INPUTS [SEED] [FILE...]    files are damaged too, besides JPEGs made here
//   jpeg_mutate --corpus DIRECTORY         writes 400 intact small JPEGs, for libFuzzer to start from
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/fuzz/damage.h"
#include "tests/fuzz/jpeg_agreement.h"
#include "tests/fuzz/jpeg_variants.h"

namespace {

using pairloom::test::JpegAgreement;
using pairloom::test::Random;
using Bytes = std::vector<std::byte>;

// What a damaged header asks for beyond this is refused or decoded, but not compared: it would take most of the time.
constexpr uint64_t kMaxPixels = 200'000;

void report(uint64_t inputs, const JpegAgreement& agreement, double seconds) {
  const auto& c = agreement.counts();
  std::printf(
      "%llu inputs, %.0f s; answers: done %llu (+ %llu progressive with damage not read); declined where libjpeg-turbo "
      "had no complaint %llu, warned %llu, failed %llu\n",
      static_cast<unsigned long long>(inputs), seconds, static_cast<unsigned long long>(c.done),
      static_cast<unsigned long long>(c.done_unseen), static_cast<unsigned long long>(c.declined_clean),
      static_cast<unsigned long long>(c.declined_warned), static_cast<unsigned long long>(c.declined_failed));
  std::fflush(stdout);
}

void write_file(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

int write_corpus(const std::string& directory) {
  for (uint64_t i = 0; i < 400; ++i)
    write_file(directory + "/" + std::to_string(i) + ".jpg", make_jpeg(pairloom::test::pick_variant(i, 24)));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: jpeg_mutate INPUTS [SEED] [FILE...]\n       jpeg_mutate --corpus DIRECTORY\n");
    return 2;
  }
  if (argc == 3 && std::string_view(argv[1]) == "--corpus") return write_corpus(argv[2]);
  const uint64_t inputs = std::strtoull(argv[1], nullptr, 10);
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::vector<Bytes> originals;
  for (int i = 3; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    const std::vector<char> chars(std::istreambuf_iterator<char>(in), {});
    const auto bytes = std::as_bytes(std::span(chars));
    if (!bytes.empty()) originals.emplace_back(bytes.begin(), bytes.end());
  }
  for (uint64_t i = 0; i < 600; ++i)
    originals.push_back(make_jpeg(pairloom::test::pick_variant(seed * 1000 + i, i % 8 == 0 ? 90 : 24)));

  Random random(seed);
  JpegAgreement agreement(kMaxPixels);
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (uint64_t i = 1; i <= inputs; ++i) {
    const auto pick = [&]() -> const Bytes& {
      return originals[random.below(static_cast<uint32_t>(originals.size()))];
    };
    Bytes jpeg = pick();
    const uint32_t hits = random.one_in(2) ? 1 : 1 + random.below(6);
    for (uint32_t hit = 0; hit < hits; ++hit) damage_jpeg(jpeg, pick(), random);
    const Bytes exact(jpeg);  // no spare capacity: a read past the end is seen by the sanitizer
    static constexpr int kReductions[] = {8, 4, 2, 1};
    if (const std::string wrong = agreement.check(exact, kReductions[i % 4]); !wrong.empty()) {
      const std::string path = "disagreement-" + std::to_string(seed) + "-" + std::to_string(i) + ".jpg";
      write_file(path, exact);
      std::fprintf(stderr, "input %llu, kept as %s: %s\n", static_cast<unsigned long long>(i), path.c_str(),
                   wrong.c_str());
      report(i, agreement, seconds());
      return 1;
    }
    if (i % 100'000 == 0) report(i, agreement, seconds());
  }
  report(inputs, agreement, seconds());
  return 0;
}
