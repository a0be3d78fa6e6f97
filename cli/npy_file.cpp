#include "cli/npy_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>

#include "base/text.h"

namespace pairloom::cli {
namespace {

constexpr size_t kHeaderBytes = 128;  // room for any shape, and the values begin aligned
constexpr size_t kBufferBytes = 256 * 1024;

}  // namespace

Result<NpyFile> NpyFile::create(const std::string& path, std::string type, std::optional<uint64_t> columns) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(path)), errno);
  NpyFile file(path, std::move(fd), std::move(type), columns);
  const std::string header = file.header();
  PAIRLOOM_TRY(write_all(file.fd_.get(), header.data(), header.size(), path));
  return file;
}

std::string NpyFile::header() const {
  const std::string shape = columns_ ? fmt::format("({}, {})", rows_, *columns_) : fmt::format("({},)", rows_);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type_, shape);
  constexpr size_t kTextBytes = kHeaderBytes - 10;
  text.resize(kTextBytes - 1, ' ');
  text += '\n';
  std::string header = "\x93NUMPY";
  header += {'\x01', '\0', static_cast<char>(kTextBytes & 0xff), static_cast<char>(kTextBytes >> 8)};
  return header + text;
}

Result<> NpyFile::append(std::span<const std::byte> values, uint64_t rows) {
  buffer_.insert(buffer_.end(), values.begin(), values.end());
  rows_ += rows;
  return buffer_.size() >= kBufferBytes ? flush() : Result<>();
}

Result<> NpyFile::flush() {
  PAIRLOOM_TRY(write_all(fd_.get(), buffer_.data(), buffer_.size(), path_));
  buffer_.clear();
  return {};
}

Result<> NpyFile::finish() {
  PAIRLOOM_TRY(flush());
  const std::string text = header();
  if (::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(path_)), errno);
  return {};
}

}  // namespace pairloom::cli
