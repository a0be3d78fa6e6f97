#include "cli/npy_rows.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace pairloom::cli {

Result<std::optional<NpyRows>> NpyRows::open(const std::string& path, uint64_t columns) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::optional<NpyRows>();
  if (!fd) return fail_errno(fmt::format("cannot open '{}'", escape_for_terminal(path)), errno);
  NpyRows rows(path, std::move(fd));
  std::array<std::byte, 10> start{};
  PAIRLOOM_TRY(rows.next(start));
  const auto byte = [&](size_t i) { return static_cast<unsigned>(start[i]); };
  std::string header(byte(8) | byte(9) << 8, ' ');
  const bool is_npy = std::memcmp(start.data(), "\x93NUMPY\x01\x00", 8) == 0;
  if (is_npy) PAIRLOOM_TRY(rows.next(std::as_writable_bytes(std::span(header))));
  std::erase(header, ' ');
  const bool fits = header.find("'descr':'|u1'") != std::string::npos &&
                    header.find("'fortran_order':False") != std::string::npos &&
                    header.find(fmt::format(",{})", columns)) != std::string::npos;
  if (!is_npy || !fits)
    return fail(Errc::kInvalidArgument,
                fmt::format("'{}' is no array of bytes with {} columns", escape_for_terminal(path), columns));
  return std::optional<NpyRows>(std::move(rows));
}

Result<> NpyRows::next(std::span<std::byte> into) {
  while (!into.empty()) {
    if (at_ == buffer_.size()) {
      buffer_.resize(size_t{1} << 16);
      at_ = 0;
      ssize_t n = 0;
      while ((n = ::read(fd_.get(), buffer_.data(), buffer_.size())) < 0 && errno == EINTR) {
      }
      buffer_.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
      if (n < 0) return fail_errno(fmt::format("cannot read '{}'", escape_for_terminal(path_)), errno);
      if (n == 0) return fail(Errc::kInvalidArgument, fmt::format("'{}' ends too early", escape_for_terminal(path_)));
    }
    const size_t some = std::min(into.size(), buffer_.size() - at_);
    std::memcpy(into.data(), buffer_.data() + at_, some);
    at_ += some;
    into = into.subspan(some);
  }
  return {};
}

}  // namespace pairloom::cli
