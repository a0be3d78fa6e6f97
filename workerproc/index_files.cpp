// The indexing job: a path -> open, read once, digest, decode, extract -> one result. Runs in: worker only.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/text.h"
#include "jobs/index_job.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/extract.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

// A file whose first bytes are no image is not read further.
constexpr size_t kFirstReadBytes = 128 * 1024;
// The read buffer is reused; after a giant it is given back, so that one file does not set the worker's size for ever.
constexpr size_t kKeepBufferBytes = 64u << 20;

StatIdentity identity_of(const struct stat& st) {
  const auto ns = [](const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  return {st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_size), ns(st.st_mtim), ns(st.st_ctim)};
}

std::string errno_text(const char* what, int errnum) {
  return fmt::format("{}: {}", what, std::generic_category().message(errnum));
}

class IndexFiles final : public WorkerJob {
 public:
  explicit IndexFiles(const jobs::IndexSetup& setup) : setup_(setup), extractor_(setup) {}

  Result<> run(const shm::TaskView& task, TaskContext& context) override {
    const std::string path(reinterpret_cast<const char*>(task.payload.data()), task.payload.size());
    const jobs::IndexResult result = index(path, context);
    return context.send(jobs::encode(result), true);
  }

 private:
  jobs::IndexResult index(const std::string& path, TaskContext& context) {
    jobs::IndexResult result;
    // The path is canonical (the supervisor resolved it), so a symbolic link here was swapped in since: O_NOFOLLOW.
    // O_NONBLOCK: opening a FIFO must not hang.
    Fd fd = context.timed(shm::Stage::kOpen, [&] {
      return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    });
    if (!fd) return failed(std::move(result), Outcome::kUnreadable, errno_text("cannot open", errno));
    struct stat before {};
    if (::fstat(fd.get(), &before) != 0)
      return failed(std::move(result), Outcome::kUnreadable, errno_text("cannot stat", errno));
    if (!S_ISREG(before.st_mode)) return failed(std::move(result), Outcome::kUnreadable, "is not a regular file");
    result.identity = identity_of(before);

    bool is_image = true;
    if (auto read = read_file(fd.get(), result.identity.size_bytes, is_image, context); !read)
      return failed(std::move(result), read.error().code == Errc::kTooLarge ? Outcome::kTooLarge : Outcome::kUnreadable,
                    std::move(read.error().message));
    if (!is_image) return failed(std::move(result), Outcome::kNotImage, "");

    struct stat after {};
    if (::fstat(fd.get(), &after) != 0 || identity_of(after) != result.identity ||
        buffer_.size() != result.identity.size_bytes)
      return failed(std::move(result), Outcome::kChanged, "changed while it was read; the next run looks again");

    uint64_t stage_ns[8] = {};
    const StatIdentity identity = result.identity;
    result = extractor_.extract(std::as_bytes(std::span(buffer_)), stage_ns);
    result.identity = identity;
    for (size_t i = 0; i < std::size(stage_ns); ++i) context.add_stage_ns(static_cast<shm::Stage>(i), stage_ns[i]);
    if (buffer_.capacity() > kKeepBufferBytes) std::vector<char>().swap(buffer_);
    return result;
  }

  // Fills buffer_ with the file, or with its beginning when that is no image.
  Result<> read_file(int fd, uint64_t size_bytes, bool& is_image, TaskContext& context) {
    const auto stage = context.timed(shm::Stage::kRead, [&]() -> Result<> {
      buffer_.resize(static_cast<size_t>(std::min<uint64_t>(size_bytes, kFirstReadBytes)));
      PAIRLOOM_ASSIGN(size_t got, read_up_to(fd, buffer_.data(), buffer_.size(), "file"));
      buffer_.resize(got);
      is_image = sniff(std::as_bytes(std::span(buffer_)).first(std::min(got, kSniffBytes))) != ImageFormat::kUnknown;
      if (is_image && size_bytes > setup_.max_file_bytes)
        return fail(Errc::kTooLarge, fmt::format("{} is more than the limit of {} (--max-file-size)",
                                                 human_bytes(size_bytes), human_bytes(setup_.max_file_bytes)));
      if (!is_image || got < kFirstReadBytes || got == size_bytes) return {};
      buffer_.resize(static_cast<size_t>(size_bytes));
      PAIRLOOM_ASSIGN(const size_t rest, read_up_to(fd, buffer_.data() + got, buffer_.size() - got, "file"));
      buffer_.resize(got + rest);
      return {};
    });
    context.add_bytes_read(buffer_.size());
    return stage;
  }

  static jobs::IndexResult failed(jobs::IndexResult&& result, Outcome outcome, std::string message) {
    result.outcome = outcome;
    result.message = std::move(message);
    return std::move(result);
  }

  jobs::IndexSetup setup_;
  Extractor extractor_;
  std::vector<char> buffer_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_index_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::IndexSetup decoded, jobs::decode_index_setup(setup));
  return std::make_unique<IndexFiles>(decoded);
}

}  // namespace pairloom::workerproc
