#include "index/writer_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <optional>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"

namespace pairloom::index {
namespace {

// What a holder writes: "pairloom scan\n<pid>\n<start, seconds since 1970>\n".
using Holder = WriterLock::Holder;

template <class T>
bool parse_number(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Empty when the text is unfinished or of a process that is no more: the lock was just taken over and not yet
// described.
std::optional<Holder> read_holder(int fd) {
  std::array<char, 512> buffer{};
  const ssize_t size = ::pread(fd, buffer.data(), buffer.size(), 0);
  std::string_view text(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
  std::array<std::string_view, 3> lines;
  for (std::string_view& line : lines) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  Holder holder;
  holder.program = escape_for_terminal(lines[0]);
  if (!parse_number(lines[1], holder.pid) || !parse_number(lines[2], holder.since)) return std::nullopt;
  if (holder.pid <= 0 || (::kill(holder.pid, 0) != 0 && errno == ESRCH)) return std::nullopt;
  return holder;
}

// "14:02:11" today, with the date on other days.
std::string local_time(std::time_t when) {
  const std::time_t now = std::time(nullptr);
  std::tm then{}, today{};
  ::localtime_r(&when, &then);
  ::localtime_r(&now, &today);
  const bool same_day = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
  return same_day ? fmt::format("{:%H:%M:%S}", then) : fmt::format("{:%Y-%m-%d %H:%M:%S}", then);
}

tl::unexpected<Error> held_by_another(const std::string& index_path, const std::optional<Holder>& holder) {
  const std::string who =
      holder ? fmt::format("{} (pid {}, since {})", holder->program, holder->pid, local_time(holder->since))
             : std::string("another process");
  return fail(Errc::kIndexLocked,
              fmt::format("index '{}' is being written by {}; wait for it or stop it", index_path, who));
}

// Who was killed while starting a program leaves the lock to it for a moment: until it has begun, and its inherited
// descriptors are closed. Nobody alive is named then.
constexpr int kPatienceMs = 1000, kStepMs = 5;

}  // namespace

Result<WriterLock> WriterLock::acquire(const std::string& index_path, const std::string& program) {
  const std::string path = index_path + "-lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return fail_errno("cannot open lock file '" + path + "'", errno);

  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  for (int waited_ms = 0; ::fcntl(fd.get(), F_OFD_SETLK, &whole) != 0; waited_ms += kStepMs) {
    if (errno != EAGAIN && errno != EACCES) return fail_errno("cannot lock '" + path + "'", errno);
    const std::optional<Holder> holder = read_holder(fd.get());
    if (holder || waited_ms >= kPatienceMs) return held_by_another(index_path, holder);
    ::poll(nullptr, 0, kStepMs);
  }

  std::string name = program.substr(0, 200);
  for (char& c : name) {
    if (c == '\n') c = ' ';
  }
  const std::string text = fmt::format("{}\n{}\n{}\n", name, ::getpid(), std::time(nullptr));
  if (::ftruncate(fd.get(), 0) != 0) return fail_errno("cannot write lock file '" + path + "'", errno);
  PAIRLOOM_TRY(write_all(fd.get(), text.data(), text.size(), "lock file '" + path + "'"));
  return WriterLock(std::move(fd));
}

std::optional<WriterLock::Holder> WriterLock::holder(const std::string& index_path) {
  const Fd fd(::open((index_path + "-lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return fd ? read_holder(fd.get()) : std::nullopt;
}

WriterLock::~WriterLock() {
  // Closing releases the lock; the name goes first, so that nobody reads of a holder who left.
  if (fd_ && ::ftruncate(fd_.get(), 0) != 0) {
    // The text stays behind; it is not believed without the lock.
  }
}

}  // namespace pairloom::index
