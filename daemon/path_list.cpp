#include "daemon/path_list.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "daemon/tree_walk.h"

namespace pairloom::daemon {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kMaxPathBytes = 1 << 20;  // longer than any path: the list is no list of paths

}  // namespace

PathList::PathList(int fd, bool nul_separated) : fd_(fd), separator_(nul_separated ? '\0' : '\n') {}

Result<FileSource::Next> PathList::next(FileBatch& batch) {
  batch = FileBatch{};
  while (batch.files.size() < kBatchFiles) {
    std::string path = std::move(waiting_);
    waiting_.clear();
    if (path.empty() && !take_line(path)) {
      if (ended_) break;
      if (!batch.files.empty() || !batch.problems.empty()) return Next::kBatch;  // hand on what there is before waiting
      PAIRLOOM_ASSIGN(const Next more, read_more());
      if (more == Next::kWait) return more;
      continue;
    }
    if (path.empty()) continue;
    add(path, batch);
    if (!waiting_.empty()) return Next::kBatch;
  }
  return batch.files.empty() && batch.problems.empty() ? Next::kEnd : Next::kBatch;
}

// Reads once, without blocking: the descriptor's own mode belongs to whoever shares it.
Result<FileSource::Next> PathList::read_more() {
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, 0) == 0) return Next::kWait;
  buffer_.erase(0, at_);
  at_ = 0;
  if (buffer_.size() > kMaxPathBytes)
    return fail(Errc::kInvalidArgument,
                separator_ == '\n' ? "the list of files holds a line of over 1 MB; are its paths NUL-separated (-0)?"
                                   : "the list of files holds a path of over 1 MB; are its paths on lines (no -0)?");
  const size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  ssize_t n = 0;
  while ((n = ::read(fd_, buffer_.data() + before, kReadBytes)) < 0 && errno == EINTR) {
  }
  if (n < 0) return fail_errno("cannot read the list of files", errno);
  buffer_.resize(before + static_cast<size_t>(n));
  ended_ = n == 0;
  return Next::kBatch;
}

// The last line may lack its separator.
bool PathList::take_line(std::string& path) {
  const size_t end = buffer_.find(separator_, at_);
  if (end == std::string::npos && (!ended_ || at_ == buffer_.size())) return false;
  path = buffer_.substr(at_, end == std::string::npos ? end : end - at_);
  at_ = end == std::string::npos ? buffer_.size() : end + 1;
  return true;
}

// Adds the path's file to the batch, or keeps it for the next one when its directory is another.
void PathList::add(const std::string& path, FileBatch& batch) {
  const auto problem = [&](int errnum) {
    batch.problems.push_back({path, std::string("cannot open: ") + std::strerror(errnum), false});
  };
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return problem(errno);
  if (S_ISDIR(st.st_mode)) return;
  if (!S_ISREG(st.st_mode)) {
    batch.problems.push_back({path, "is not a regular file", false});
    return;
  }
  const size_t slash = path.rfind('/');
  std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  struct stat link {};
  const bool is_link = ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode);
  if (is_link || parent != last_parent_) {
    const std::unique_ptr<char, decltype(&std::free)> resolved(
        ::realpath(is_link ? path.c_str() : parent.c_str(), nullptr), &std::free);
    if (!resolved) return problem(errno);
    last_directory_ = resolved.get();
    last_parent_ = is_link ? "" : parent;
    if (is_link) {
      const size_t cut = last_directory_.rfind('/');
      name = last_directory_.substr(cut + 1);
      last_directory_.resize(cut == 0 ? 1 : cut);
    }
    last_filesystem_ = filesystem_id(last_directory_, st.st_dev);
  }
  if (batch.directory.empty()) {
    batch.directory = last_directory_;
    batch.filesystem = last_filesystem_;
  } else if (batch.directory != last_directory_) {
    waiting_ = path;
    return;
  }
  batch.files.push_back({std::move(name), identity_of(st), true, path});
}

}  // namespace pairloom::daemon
