#include "workerproc/file_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/fd.h"
#include "base/text.h"
#include "workerproc/decode/decode.h"

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

std::string open_error(int error) {
  if (error == shm::kNotARegularFile) return "is not a regular file";
  // The supervisor has resolved all links in the path.
  if (error == ELOOP) return "cannot open: a symbolic link took the place of a part of its path";
  return errno_text("cannot open", error);
}

}  // namespace

Result<FileContents> FileReader::read(TaskContext& context, Wanted wanted) {
  if (buffer_.size() > kKeepBufferBytes) std::vector<char>().swap(buffer_);
  filled_ = 0;
  FileContents file;
  const auto failed = [&file](Outcome outcome, std::string message) {
    file.outcome = outcome;
    file.message = std::move(message);
    return std::move(file);
  };
  PAIRLOOM_ASSIGN(const shm::PassedFile passed, context.timed(shm::Stage::kOpen, [&] { return context.take_file(); }));
  if (!passed.fd) {
    file.absent = passed.error == ENOENT || passed.error == ENOTDIR;
    return failed(Outcome::kUnreadable, open_error(passed.error));
  }
  const int fd = passed.fd.get();
  struct stat before {};
  if (!stat_open_file(fd, before)) return failed(Outcome::kUnreadable, errno_text("cannot stat", errno));
  file.identity = identity_of(before);

  auto is_wanted = context.timed(
      shm::Stage::kRead, [&] { return read_wanted(fd, file.identity.size_bytes, wanted, context); });
  if (passed.drop_behind) ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  if (!is_wanted)
    return failed(is_wanted.error().code == Errc::kTooLarge ? Outcome::kTooLarge : Outcome::kUnreadable,
                  std::move(is_wanted.error().message));
  if (!*is_wanted) return failed(Outcome::kNotImage, "");

  struct stat after {};
  if (!stat_open_file(fd, after) || identity_of(after) != file.identity ||
      filled_ != file.identity.size_bytes)
    return failed(Outcome::kChanged, "changed while it was read");
  file.outcome = Outcome::kIndexed;
  file.bytes = std::as_bytes(std::span(buffer_).first(filled_));
  return file;
}

// Adds up to `wanted` bytes to the buffer, from where the file is. It only ever grows: what is left in it is written
// over, never cleared first.
Result<> FileReader::fill(int fd, size_t wanted) {
  if (buffer_.size() < filled_ + wanted) {
    std::vector<char> larger(filled_ + wanted);
    std::copy_n(buffer_.begin(), filled_, larger.begin());
    buffer_.swap(larger);
  }
  PAIRLOOM_ASSIGN(const size_t got, read_up_to(fd, buffer_.data() + filled_, wanted, "file"));
  filled_ += got;
  return {};
}

// Fills the buffer with the file, or with its beginning when it is not what is wanted (false).
Result<bool> FileReader::read_wanted(int fd, uint64_t size_bytes, Wanted wanted, TaskContext& context) {
  PAIRLOOM_TRY(fill(fd, static_cast<size_t>(std::min<uint64_t>(size_bytes, kFirstReadBytes))));
  const auto head = std::as_bytes(std::span(buffer_)).first(std::min(filled_, kSniffBytes));
  const ImageFormat format = sniff(head);
  context.announce_format(format);
  const bool is_wanted = wanted == Wanted::kAny || format != ImageFormat::kUnknown || !name_of_unread(head).empty();
  if (is_wanted && size_bytes > max_file_bytes_)
    return fail(Errc::kTooLarge, fmt::format("{} is more than the limit of {} (--max-file-size)",
                                             human_bytes(size_bytes), human_bytes(max_file_bytes_)));
  if (is_wanted && filled_ == kFirstReadBytes && filled_ < size_bytes)
    PAIRLOOM_TRY(fill(fd, static_cast<size_t>(size_bytes - filled_)));
  context.add_bytes_read(filled_);
  return is_wanted;
}

}  // namespace pairloom::workerproc
