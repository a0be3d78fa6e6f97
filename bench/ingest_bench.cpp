// How fast rows go into an index, and how large they are there: results of a worker that does not decode, put as a first
// run over a new collection puts them.
// usage: ingest_bench DIRECTORY ROWS [ROWS_A_COMMIT]
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/clock.h"
#include "index/index_writer.h"

namespace {

using namespace pairloom;

constexpr uint64_t kFilesADirectory = 200;

index::FileResult random_result(uint64_t n, std::mt19937_64& random) {
  index::FileResult result;
  result.name = fmt::format("IMG_{:06}.jpg", n % kFilesADirectory);
  const auto time_ns = static_cast<int64_t>(1'600'000'000'000'000'000 + random() % 100'000'000'000'000'000);
  result.identity = {1, 1'000'000 + n, 100'000 + random() % 4'000'000, time_ns, time_ns};
  result.digest = {random(), random()};
  result.image = {ImageFormat::kJpeg, 4032, 3024, 1, 100, 8, false, false, false};
  Code code;
  for (uint64_t& word : code.words) word = random();
  result.codes.push_back({Algorithm::kPdq, code});
  result.elapsed_ns = 200'000 + random() % 100'000;
  return result;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double wall_seconds() {
  return static_cast<double>(system_clock().monotonic_ns()) / 1e9;
}

// A piece of the run, and its line of the table.
struct Piece {
  double wall_s = wall_seconds(), cpu_s = cpu_seconds();
  void print(uint64_t rows, uint64_t rows_in_all, const std::string& file) const {
    const auto bytes = static_cast<double>(std::filesystem::file_size(file));
    fmt::print("{:>10}  {:>8.0f} rows/s  {:>8.0f} rows/CPU s  {:>4.0f} bytes a row (before the log is copied back)\n", rows_in_all,
               static_cast<double>(rows) / (wall_seconds() - wall_s), static_cast<double>(rows) / (cpu_seconds() - cpu_s),
               bytes / static_cast<double>(rows_in_all));
  }
};

Result<> ingest(const std::string& file, uint64_t rows, uint64_t rows_a_commit) {
  const Piece all;
  uint64_t since = 0;
  {
    PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(file, "ingest_bench"));
    PAIRLOOM_ASSIGN(const auto run, index.begin_run(index::RunKind::kAdd, "ingest_bench"));
    std::mt19937_64 random(1);
    index::DirectoryId directory = 0;
    Piece piece;
    for (uint64_t n = 0; n < rows; ++n) {
      if (n % kFilesADirectory == 0) {
        PAIRLOOM_ASSIGN(const auto known, index.directory(fmt::format("/photos/{:07}", n / kFilesADirectory), 1));
        directory = known.id;
      }
      auto result = random_result(n, random);
      result.directory = directory;
      PAIRLOOM_TRY(index.put(run, result));
      if ((n + 1) % rows_a_commit == 0) PAIRLOOM_TRY(index.commit());
      if (++since < std::max<uint64_t>(rows / 10, 1)) continue;
      piece.print(since, n + 1, file);
      piece = Piece();
      since = 0;
    }
    PAIRLOOM_TRY(index.finish_run(run, {}, {}));
  }
  fmt::print("in all, closed:\n");
  all.print(rows, rows, file);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: ingest_bench DIRECTORY ROWS [ROWS_A_COMMIT]\n");
    return 2;
  }
  const std::string file = std::string(argv[1]) + "/ingest_bench.db";
  for (const char* end : {"", "-wal", "-shm", "-codes.pdq", "-lock"}) std::filesystem::remove(file + end);
  const auto done = ingest(file, std::strtoull(argv[2], nullptr, 10), argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 2000);
  if (!done) fmt::print(stderr, "ingest_bench: {}\n", done.error().message);
  return done ? 0 : 1;
}
