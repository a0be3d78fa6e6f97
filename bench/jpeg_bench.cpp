// Decoding JPEGs to a gray picture of 1/8, 1/4 and 1/2: the reduced decoder next to libjpeg-turbo, both in one run and
// in turns. Prints medians of CPU time, and their ratio, which is what to quote.
//   jpeg_bench [--rounds N] [--every N] [--optimized] [--progressive] [--restart MCUS] [FILE|DIRECTORY...]
// --optimized, --progressive and --restart recode the files first, in memory and without loss. Without files: three
// 12-megapixel pictures drawn here, as 4:2:0 and as 4:4:4.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/jpeg_reference.h"
#include "tests/fuzz/jpeg_variants.h"
#include "workerproc/decode/jpeg_scan.h"

namespace {

namespace fs = std::filesystem;
using pairloom::workerproc::ReducedJpeg;
using Bytes = std::vector<std::byte>;

struct Options {
  int rounds = 7, every = 1;
  pairloom::test::JpegRecoding recoding;
  bool recode = false;
  std::vector<fs::path> paths;
};

struct Set {
  std::string name;
  std::vector<Bytes> files;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Run>
double microseconds_per_file(const Set& set, Run run) {
  const double start = cpu_seconds();
  for (const Bytes& file : set.files) run(file);
  return (cpu_seconds() - start) * 1e6 / static_cast<double>(set.files.size());
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void measure(const Set& set, int rounds) {
  size_t bytes = 0;
  for (const Bytes& file : set.files) bytes += file.size();
  const double mean_bytes = static_cast<double>(bytes) / static_cast<double>(set.files.size());
  std::printf("%s: %zu files of %.1f kB on average\n", set.name.c_str(), set.files.size(), mean_bytes / 1e3);

  pairloom::workerproc::ReducedJpegDecoder decoder;
  pairloom::workerproc::GrayRaster raster;
  pairloom::test::JpegReference library;
  pairloom::test::ReferencePicture picture;
  for (const int reduction : {8, 4, 2, 1}) {
    std::vector<double> ours, theirs, ratios;
    size_t declined = 0;
    for (int round = 0; round < rounds; ++round) {
      theirs.push_back(
          microseconds_per_file(set, [&](const Bytes& file) { library.decode(file, reduction, picture); }));
      declined = 0;
      ours.push_back(microseconds_per_file(set, [&](const Bytes& file) {
        if (decoder.decode(file, reduction, raster) == ReducedJpeg::kDeclined) ++declined;
      }));
      ratios.push_back(theirs.back() / ours.back());
    }
    std::printf("  1/%d  libjpeg-turbo %10.1f us %6.1f MB/s", reduction, median(theirs), mean_bytes / median(theirs));
    if (declined == set.files.size())
      std::printf("   reduced: declines them\n");
    else
      std::printf("   reduced %10.1f us %6.1f MB/s   ratio %.2f   declined %zu\n", median(ours),
                  mean_bytes / median(ours), median(ratios), declined);
  }
}

Bytes read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> chars(std::istreambuf_iterator<char>(in), {});
  const auto bytes = std::as_bytes(std::span(chars));
  return {bytes.begin(), bytes.end()};
}

Set read_set(const Options& options) {
  std::vector<fs::path> found;
  for (const fs::path& path : options.paths) {
    if (!fs::is_directory(path)) {
      found.push_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file() && (entry.path().extension() == ".jpg" || entry.path().extension() == ".jpeg"))
        found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  Set set{options.paths.front().string(), {}};
  for (size_t i = 0; i < found.size(); i += static_cast<size_t>(options.every))
    set.files.push_back(read_file(found[i]));
  return set;
}

Set draw_set(const char* name, std::array<int, 2> luma_sampling) {
  Set set{name, {}};
  pairloom::test::JpegVariant variant;
  variant.width = 4000;
  variant.height = 3000;
  variant.quality = 90;
  variant.sampling[0] = luma_sampling;
  for (const uint64_t seed : {2u, 6u, 9u}) {
    variant.seed = seed;
    set.files.push_back(make_jpeg(variant));
  }
  return set;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::max(1, std::atoi(argv[++i])) : 1; };
    if (word == "--rounds") {
      options.rounds = number();
    } else if (word == "--every") {
      options.every = number();
    } else if (word == "--optimized") {
      options.recode = options.recoding.optimized = true;
    } else if (word == "--progressive") {
      options.recode = options.recoding.progressive = true;
    } else if (word == "--restart") {
      options.recode = true;
      options.recoding.restart_mcus = number();
    } else if (word.starts_with("-")) {
      return false;
    } else {
      options.paths.emplace_back(word);
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr,
                 "usage: jpeg_bench [--rounds N] [--every N] [--optimized] [--progressive] [--restart MCUS] "
                 "[FILE|DIRECTORY...]\n");
    return 2;
  }
  std::vector<Set> sets;
  if (options.paths.empty()) {
    sets.push_back(draw_set("drawn, 12 MP, 4:2:0", {2, 2}));
    sets.push_back(draw_set("drawn, 12 MP, 4:4:4", {1, 1}));
  } else {
    sets.push_back(read_set(options));
  }
  for (Set& set : sets) {
    if (options.recode)
      for (Bytes& file : set.files) file = recode_jpeg(file, options.recoding);
    measure(set, options.rounds);
  }
}
