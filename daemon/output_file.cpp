#include "daemon/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace pairloom::daemon {
namespace {

tl::unexpected<Error> exists(const std::string& path) {
  return fail(Errc::kRefused, fmt::format("'{}' exists already; --force overwrites it", path));
}

// As open() would have made it: mkostemp gives nobody else any permission.
mode_t usual_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

OutputFile::OutputFile(std::string path, std::string temporary, Fd fd, bool overwrite)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)), overwrite_(overwrite) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, "")),
      fd_(std::move(other.fd_)),
      overwrite_(other.overwrite_),
      bytes_(other.bytes_) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<OutputFile> OutputFile::create(const std::string& path, bool overwrite) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!overwrite) return exists(path);
    if (!S_ISREG(status.st_mode))
      return fail(Errc::kRefused, fmt::format("'{}' is not a regular file; name another one", path));
  }
  const size_t slash = path.rfind('/');
  std::string temporary =
      fmt::format("{}.pairloom-XXXXXX", slash == std::string::npos ? "" : path.substr(0, slash + 1));
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("cannot write '{}'", path), errno);
  OutputFile file(path, temporary, std::move(fd), overwrite);
  if (::fchmod(file.fd_.get(), usual_mode()) != 0) return fail_errno(fmt::format("cannot write '{}'", path), errno);
  return file;
}

Result<> OutputFile::write(std::span<const std::byte> bytes) {
  PAIRLOOM_TRY(write_all(fd_.get(), bytes.data(), bytes.size(), fmt::format("'{}'", path_)));
  bytes_ += bytes.size();
  return {};
}

Result<> OutputFile::commit() {
  const std::string what = fmt::format("cannot write '{}'", path_);
  // Network file systems tell of a full disk when a file is closed.
  if (::close(fd_.release()) != 0) return fail_errno(what, errno);
  const unsigned flags = overwrite_ ? 0 : RENAME_NOREPLACE;
  int failed = ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), flags);
  // File systems that do not know the flag: link() replaces nothing either.
  if (failed != 0 && errno == EINVAL && !overwrite_) {
    failed = ::link(temporary_.c_str(), path_.c_str());
    if (failed == 0) ::unlink(temporary_.c_str());
  }
  if (failed != 0 && errno == EEXIST) return exists(path_);
  if (failed != 0) return fail_errno(what, errno);
  temporary_.clear();
  return {};
}

}  // namespace pairloom::daemon
