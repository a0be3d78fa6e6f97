// Feeds every decoder and header parser files of its format with damage of every kind: they must end in a picture or in
// a reason, within their bytes (run it under the sanitizers) and within the limit of pixels.
//   decode_mutate INPUTS [SEED]      the same seed gives the same inputs
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "tests/fuzz/damage.h"
#include "tests/unit/workerproc/sample_files.h"
#include "workerproc/decode/decode.h"

namespace {

using namespace pairloom;
using namespace pairloom::workerproc;
using pairloom::test::Bytes;
using pairloom::test::Random;

constexpr uint64_t kMaxPixels = 100'000;  // a header that lies costs no more than this
constexpr size_t kHeaderBytes = 200;

struct Counts {
  uint64_t pictures = 0, corrupt = 0, unsupported = 0, too_large = 0;
  uint64_t sum = 0;  // of all pixels: each is read, for the sanitizer to see
};

DecodeRequest some_request(Random& random) {
  static constexpr PixelLayout kLayouts[] = {PixelLayout::kGray, PixelLayout::kGray, PixelLayout::kBgr,
                                             PixelLayout::kRgba, PixelLayout::kChannel};
  DecodeRequest request;
  request.layout = kLayouts[random.below(std::size(kLayouts))];
  request.min_short_side_px = random.one_in(2) ? 0 : 1 + random.below(16);
  request.max_pixels = kMaxPixels;
  return request;
}

// What is wrong with the outcome; empty: nothing.
std::string check(const Result<>& decoded, const Picture& picture, Counts& counts) {
  if (!decoded) {
    if (decoded.error().message.empty()) return "an error without a reason";
    switch (decoded.error().code) {
      case Errc::kCorrupt:
        ++counts.corrupt;
        return {};
      case Errc::kUnsupported:
        ++counts.unsupported;
        return {};
      case Errc::kTooLarge:
        ++counts.too_large;
        return {};
      default:
        return "an error that is none of a decoder's: " + decoded.error().message;
    }
  }
  ++counts.pictures;
  const uint64_t pixels = uint64_t{picture.full_width_px} * picture.full_height_px;
  if (pixels == 0 || pixels > kMaxPixels) return "a picture of " + std::to_string(pixels) + " pixels";
  const size_t row_bytes = size_t{picture.width_px} * channels_of(picture.layout) * (picture.bits_per_sample / 8);
  if (picture.stride_bytes < row_bytes || picture.pixels.size() < size_t{picture.stride_bytes} * picture.height_px)
    return "fewer pixels than it says";
  if (picture.orientation < 1 || picture.orientation > 8) return "no such orientation";
  for (size_t i = 0; i < size_t{picture.stride_bytes} * picture.height_px; ++i) counts.sum += picture.pixels[i];
  return {};
}

void report(uint64_t inputs, const std::map<std::string, Counts>& counts, double seconds) {
  std::printf("%llu inputs, %.0f s\n", static_cast<unsigned long long>(inputs), seconds);
  for (const auto& [format, c] : counts)
    std::printf("  %-10s pictures %llu, corrupt %llu, unsupported %llu, too large %llu\n", format.c_str(),
                static_cast<unsigned long long>(c.pictures), static_cast<unsigned long long>(c.corrupt),
                static_cast<unsigned long long>(c.unsupported), static_cast<unsigned long long>(c.too_large));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: decode_mutate INPUTS [SEED]\n");
    return 2;
  }
  const uint64_t inputs = std::strtoull(argv[1], nullptr, 10);
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const auto samples = test::sample_files(seed, 33, 21);
  Random random(seed);
  Picture picture;
  std::map<std::string, Counts> counts;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (uint64_t i = 1; i <= inputs; ++i) {
    const auto pick = [&]() -> const test::SampleFile& {
      return samples[random.below(static_cast<uint32_t>(samples.size()))];
    };
    const test::SampleFile& sample = pick();
    Bytes file = sample.bytes;
    const uint32_t hits = random.one_in(2) ? 1 : 1 + random.below(4);
    for (uint32_t hit = 0; hit < hits; ++hit) test::damage(file, pick().bytes, kHeaderBytes, random);
    const Bytes exact(file);  // no spare capacity: a read past the end is seen by the sanitizer
    const auto decoded = decode(exact, some_request(random), picture);
    const std::string wrong = check(decoded, picture, counts[std::string(name_of(sample.format))]);
    if (!wrong.empty()) {
      const std::string path = "wrong-" + std::to_string(seed) + "-" + std::to_string(i);
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(exact.data()), static_cast<std::streamsize>(exact.size()));
      std::fprintf(stderr, "input %llu, made of '%s', kept as %s: %s\n", static_cast<unsigned long long>(i),
                   sample.name.c_str(), path.c_str(), wrong.c_str());
      return 1;
    }
    if (i % 1'000'000 == 0) report(i, counts, seconds());
  }
  report(inputs, counts, seconds());
  return 0;
}
