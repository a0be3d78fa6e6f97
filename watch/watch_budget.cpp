#include "watch/watch_budget.h"

#include <fcntl.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/fd.h"

namespace pairloom::watch {

uint64_t WatchBudget::share_of(uint64_t limit, double share) {
  return std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(limit) * std::clamp(share, 0.0, 1.0)));
}

uint64_t WatchBudget::system_limit() {
  constexpr uint64_t kOldDefault = 8192;
  const char* const path = "/proc/sys/fs/inotify/max_user_watches";
  const Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) return kOldDefault;
  std::array<char, 32> text{};
  const auto size = read_up_to(fd.get(), text.data(), text.size(), path);
  uint64_t limit = 0;
  if (!size || std::from_chars(text.data(), text.data() + *size, limit).ec != std::errc()) return kOldDefault;
  return limit;
}

}  // namespace pairloom::watch
