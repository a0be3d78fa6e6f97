// A whole first run over a collection that is not there: made-up files through the pool, the rings, the checks and
// SQLite, with workers that do not decode (bench/record_job.cpp). Then pairs are found as ever. With CODES (of
// bench/make_codes.cpp) the images have those PDQ codes, and the index is a good model of a real one.
//   ingest_run INDEX ROWS WORKERS [CODES|-] [FIRST]      FIRST: number of the first image; rows are added to the index
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "daemon/indexing.h"
#include "daemon/pool.h"
#include "index/index_writer.h"

namespace {

using namespace pairloom;

constexpr uint64_t kFilesADirectory = 200;

double wall_seconds() {
  return static_cast<double>(system_clock().monotonic_ns()) / 1e9;
}
double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class MadeUpFiles final : public daemon::FileSource {
 public:
  MadeUpFiles(uint64_t first, uint64_t end) : next_(first), end_(end) {}
  Result<Next> next(daemon::FileBatch& batch) override {
    batch = {};
    if (next_ >= end_) return Next::kEnd;
    batch.directory = fmt::format("/photos/{:07}", next_ / kFilesADirectory);
    batch.filesystem = 1;
    const uint64_t last = std::min(end_, (next_ / kFilesADirectory + 1) * kFilesADirectory);
    batch.complete = next_ % kFilesADirectory == 0 && last % kFilesADirectory == 0;
    for (; next_ < last; ++next_) {
      daemon::FoundFile file;
      file.name = fmt::format("IMG_{:08}.jpg", next_);
      batch.files.push_back(std::move(file));
    }
    return Next::kBatch;
  }

 private:
  uint64_t next_, end_;
};

// Indexing, but with the codes of a file: the n-th image has the n-th of them.
class IndexingWithCodes final : public daemon::Job {
 public:
  IndexingWithCodes(daemon::Indexing& indexing, std::ifstream& codes) : indexing_(indexing), codes_(codes) {}
  jobs::JobKind kind() const override { return indexing_.kind(); }
  std::vector<std::byte> setup() const override { return indexing_.setup(); }
  std::string_view file_of(const daemon::Task&) const override { return {}; }  // nothing is opened
  uint64_t max_result_bytes() const override { return indexing_.max_result_bytes(); }
  Result<Pull> pull(daemon::Task& task) override { return indexing_.pull(task); }
  Result<> accept(const daemon::Task& task, std::span<const std::byte> payload,
                  const daemon::ResultOrigin& origin) override {
    if (!codes_.is_open()) return indexing_.accept(task, payload, origin);
    const std::string_view path = daemon::path_in(task);
    uint64_t number = 0;
    std::from_chars(path.data() + path.size() - 12, path.data() + path.size() - 4, number);
    constexpr size_t kCodeAt = 88;  // of the words of the first code: jobs/index_job.cpp
    copy_.assign(payload.begin(), payload.end());
    codes_.seekg(static_cast<std::streamoff>(number * 32));
    codes_.read(reinterpret_cast<char*>(copy_.data() + kCodeAt), 32);
    if (!codes_) return fail(Errc::kInvalidArgument, "CODES has fewer codes than there are rows");
    return indexing_.accept(task, copy_, origin);
  }
  Result<> blame(const daemon::Task& task, uint32_t points) override { return indexing_.blame(task, points); }
  Result<> give_up(const daemon::Task& task, Outcome outcome, const std::string& reason) override {
    return indexing_.give_up(task, outcome, reason);
  }
  Result<> tick(int64_t now_ns) override { return indexing_.tick(now_ns); }
  int64_t next_tick_ns() const override { return indexing_.next_tick_ns(); }

 private:
  daemon::Indexing& indexing_;
  std::ifstream& codes_;
  std::vector<std::byte> copy_;
};

Result<> ingest(const std::string& file, uint64_t rows, int workers, const std::string& codes_file, uint64_t first) {
  daemon::IndexRequest request;
  request.pool.jobs = workers;
  request.pool.worker_program = (std::filesystem::canonical("/proc/self/exe").parent_path() / "record_worker").string();
  PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(file, "ingest_run"));
  PAIRLOOM_ASSIGN(const auto run, index.begin_run(index::RunKind::kAdd, "ingest_run"));
  PAIRLOOM_ASSIGN(auto pool, daemon::Pool::create(request.pool));
  MadeUpFiles source(first, first + rows);
  PAIRLOOM_ASSIGN(auto indexing, daemon::Indexing::create(index, run, request, source, nullptr));
  std::ifstream codes;
  if (!codes_file.empty()) {
    codes.open(codes_file, std::ios::binary);
    if (!codes) return fail(Errc::kInvalidArgument, "cannot open '" + codes_file + "'");
  }
  IndexingWithCodes job(indexing, codes);
  daemon::Pool::Surroundings surroundings;
  const double began = wall_seconds();
  PAIRLOOM_TRY(pool.run(job, surroundings));
  PAIRLOOM_TRY(index.commit());
  const double wall = wall_seconds() - began, cpu = cpu_seconds(RUSAGE_SELF);
  PAIRLOOM_TRY(index.finish_run(run, indexing.totals(), {}));
  fmt::print("{} rows in {:.1f} s: {:.0f} rows/s; supervisor {:.1f} s of processor time: {:.0f} rows/CPU s\n", rows, wall,
             static_cast<double>(rows) / wall, cpu, static_cast<double>(rows) / cpu);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: ingest_run INDEX ROWS WORKERS [CODES|-] [FIRST]\n");
    return 2;
  }
  const std::string codes = argc > 4 && std::strcmp(argv[4], "-") != 0 ? argv[4] : "";
  const auto done = ingest(argv[1], std::strtoull(argv[2], nullptr, 10), std::atoi(argv[3]), codes,
                           argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 0);
  if (!done) {
    fmt::print(stderr, "ingest_run: {}\n", done.error().message);
    return 1;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto bytes = static_cast<double>(std::filesystem::file_size(argv[1]));
  fmt::print("database {:.0f} MB, {:.0f} bytes for each image (of all in it); supervisor's peak {} MB\n", bytes / 1e6,
             bytes / (std::strtod(argv[2], nullptr) + (argc > 5 ? std::strtod(argv[5], nullptr) : 0)), usage.ru_maxrss / 1024);
  return 0;
}
