// Feeds the reduced JPEG decoder JPEGs of every kind with damage of every kind and compares it with libjpeg-turbo.
// Stops at the first disagreement and leaves the file behind. The same seed gives the same inputs.
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

#include "tests/fuzz/jpeg_agreement.h"
#include "tests/fuzz/jpeg_variants.h"

namespace {

using pairloom::test::JpegAgreement;
using pairloom::test::Random;
using Bytes = std::vector<std::byte>;

std::byte random_byte(Random& random) {
  static constexpr std::byte kTelling[] = {std::byte{0x00}, std::byte{0xFF}, std::byte{0xD9}, std::byte{0xD0},
                                           std::byte{0xDA}, std::byte{0x01}, std::byte{0x7F}, std::byte{0x80}};
  return random.one_in(3) ? kTelling[random.below(std::size(kTelling))] : static_cast<std::byte>(random.below(256));
}

// Where the entropy-coded bytes of the first scan begin; the size if there is none.
size_t scan_data(const Bytes& jpeg) {
  for (size_t at = 2; at + 4 <= jpeg.size();) {
    const size_t length = std::to_integer<size_t>(jpeg[at + 2]) << 8 | std::to_integer<size_t>(jpeg[at + 3]);
    const bool found = jpeg[at + 1] == std::byte{0xDA};
    at += 2 + length;
    if (found) return std::min(at, jpeg.size());
  }
  return jpeg.size();
}

// The position of a random 0xFF that a marker code follows; 0 if none is found soon.
size_t some_marker(const Bytes& jpeg, Random& random) {
  for (int attempt = 0; attempt < 200 && jpeg.size() > 2; ++attempt) {
    const size_t at = random.below(static_cast<uint32_t>(jpeg.size() - 1));
    if (jpeg[at] == std::byte{0xFF} && jpeg[at + 1] != std::byte{0} && jpeg[at + 1] != std::byte{0xFF}) return at;
  }
  return 0;
}

void damage(Bytes& jpeg, const Bytes& other, Random& random) {
  if (jpeg.size() < 4) return;
  const auto size = static_cast<uint32_t>(jpeg.size());
  const size_t data = scan_data(jpeg);
  // Half of all damage hits the headers, which are the smaller part.
  const size_t at = random.one_in(2) || data >= jpeg.size()
                        ? random.below(std::max<uint32_t>(1, static_cast<uint32_t>(data)))
                        : random.below(size);
  const auto place = [&](size_t offset) {
    return jpeg.begin() + static_cast<ptrdiff_t>(std::min(offset, jpeg.size()));
  };
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      jpeg[at] ^= static_cast<std::byte>(1u << random.below(8));
      break;
    case 3:
    case 4:
      jpeg[at] = random_byte(random);
      break;
    case 5:
      jpeg.resize(random.one_in(3) ? size - random.below(std::min(size, 6u)) : at);
      break;
    case 6:
      jpeg.erase(place(at), place(at + 1 + random.below(random.one_in(3) ? 40 : 3)));
      break;
    case 7:
      jpeg.insert(place(at), 1 + random.below(3), random_byte(random));
      break;
    case 8: {  // a piece of another file
      const size_t from = random.below(static_cast<uint32_t>(other.size()));
      const size_t count = std::min<size_t>(1 + random.below(64), other.size() - from);
      const auto begin = other.begin() + static_cast<ptrdiff_t>(from);
      jpeg.insert(place(at), begin, begin + static_cast<ptrdiff_t>(count));
      break;
    }
    case 9: {  // a piece of itself, again
      const Bytes piece(place(at), place(at + 1 + random.below(100)));
      jpeg.insert(place(random.below(size)), piece.begin(), piece.end());
      break;
    }
    case 10:  // a marker: another code, another length
      if (const size_t marker = some_marker(jpeg, random); marker != 0 && marker + 4 <= jpeg.size())
        jpeg[marker + 1 + random.below(3)] = random_byte(random);
      break;
    default:  // numbers that stay decodable: quantization, sampling factors, sizes
      for (size_t i = 2; i + 12 < data; ++i)
        if (jpeg[i] == std::byte{0xFF} && (jpeg[i + 1] == std::byte{0xDB} || jpeg[i + 1] == std::byte{0xC0}) &&
            random.one_in(2)) {
          const size_t offset = i + 4 + random.below(jpeg[i + 1] == std::byte{0xDB} ? 60 : 8);
          if (offset < data) jpeg[offset] = random_byte(random);
        }
      break;
  }
}

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
    originals.push_back(make_jpeg(pairloom::test::pick_variant(seed * 1000 + i, i % 4 == 0 ? 90 : 32)));

  Random random(seed);
  JpegAgreement agreement;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (uint64_t i = 1; i <= inputs; ++i) {
    const auto pick = [&]() -> const Bytes& {
      return originals[random.below(static_cast<uint32_t>(originals.size()))];
    };
    Bytes jpeg = pick();
    const uint32_t hits = random.one_in(2) ? 1 : 1 + random.below(6);
    for (uint32_t hit = 0; hit < hits; ++hit) damage(jpeg, pick(), random);
    const Bytes exact(jpeg);  // no spare capacity: a read past the end is seen by the sanitizer
    if (const std::string wrong = agreement.check(exact); !wrong.empty()) {
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
