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
  if (buffer_bytes_ > kKeepBufferBytes) {
    buffer_.reset();
    buffer_bytes_ = 0;
  }
  filled_ = 0;
  FileContents file;
  const auto failed = [&file](Outcome outcome, std::string message) {
    file.outcome = outcome;
    file.message = std::move(message);
    return std::move(file);
  };
  PAIRLOOM_ASSIGN(const shm::PassedFile passed, context.take_file());
  const int64_t opened_ns = context.end_stage(shm::Stage::kOpen, context.start_ns());
  if (!passed.fd) {
    file.absent = passed.error == ENOENT || passed.error == ENOTDIR;
    return failed(Outcome::kUnreadable, open_error(passed.error));
  }
  const int fd = passed.fd.get();
  file.identity = passed.identity;

  auto is_wanted = read_wanted(fd, file.identity.size_bytes, wanted, context);
  context.end_stage(shm::Stage::kRead, opened_ns);
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
  file.bytes = {buffer_.get(), filled_};
  return file;
}

// Adds up to `wanted` bytes to the buffer, from where the file is. It only ever grows, and is never cleared: pages of it that
// no file has reached take no memory.
Result<> FileReader::fill(int fd, size_t wanted) {
  if (buffer_bytes_ < filled_ + wanted) {
    const size_t bytes = std::max(filled_ + wanted, kFirstReadBytes);
    auto larger = std::make_unique_for_overwrite<std::byte[]>(bytes);
    std::copy_n(buffer_.get(), filled_, larger.get());
    buffer_ = std::move(larger);
    buffer_bytes_ = bytes;
  }
  PAIRLOOM_ASSIGN(const size_t got, read_up_to(fd, buffer_.get() + filled_, wanted, "file"));
  filled_ += got;
  return {};
}

// Fills the buffer with the file, or with its beginning when it is not what is wanted (false).
Result<bool> FileReader::read_wanted(int fd, uint64_t size_bytes, Wanted wanted, TaskContext& context) {
  PAIRLOOM_TRY(fill(fd, static_cast<size_t>(std::min<uint64_t>(size_bytes, kFirstReadBytes))));
  const std::span<const std::byte> head(buffer_.get(), std::min(filled_, kSniffBytes));
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
