#include "cli/input_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/text.h"

namespace pairloom::cli {
namespace {

constexpr size_t kMaxBytes = 128 << 20;

Result<std::string> read_all(int fd, const std::string& what) {
  std::string bytes;
  std::array<char, 65536> piece;
  while (true) {
    PAIRLOOM_ASSIGN(const size_t got, read_up_to(fd, piece.data(), piece.size(), what));
    bytes.append(piece.data(), got);
    if (bytes.size() > kMaxBytes)
      return fail(Errc::kTooLarge, fmt::format("{} is larger than {}", what, human_bytes(kMaxBytes)));
    if (got < piece.size()) return bytes;
  }
}

}  // namespace

Result<std::string> read_standard_input() {
  return read_all(STDIN_FILENO, "standard input");
}

Result<std::string> read_picture(const std::string& path) {
  const std::string shown = "'" + escape_for_terminal(path) + "'";
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd)
    return fail(Errc::kCorrupt, fmt::format("cannot use {}: {}", shown, std::generic_category().message(errno)));
  return read_all(fd.get(), shown);
}

Result<InputFile> InputFile::from_standard_input() {
  PAIRLOOM_ASSIGN(const std::string bytes, read_standard_input());
  std::error_code error;
  std::filesystem::path base = std::filesystem::canonical(std::filesystem::temp_directory_path(error), error);
  if (error) return fail(Errc::kIo, "there is no directory for temporary files; set TMPDIR");
  std::string directory = (base / "pairloom-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) return fail_errno("cannot make a directory in '" + base.string() + "'", errno);
  InputFile file(std::move(directory));
  const Fd fd(::open(file.path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("cannot make '" + file.path() + "'", errno);
  PAIRLOOM_TRY(write_all(fd.get(), bytes.data(), bytes.size(), file.path()));
  return file;
}

Error InputFile::unnamed(Error error) const {
  const std::string name = "'" + escape_for_terminal(path()) + "'";
  if (const size_t at = error.message.find(name); at != std::string::npos)
    error.message.replace(at, name.size(), "standard input");
  return error;
}

InputFile::~InputFile() {
  if (directory_.empty()) return;
  ::unlink(path().c_str());
  ::rmdir(directory_.c_str());
}

}  // namespace pairloom::cli
