// pairloom-opener: opens the files that one worker will read, and passes them on. The supervisor starts one beside each
// worker and tells it the paths of each chunk. It looks at no byte of any file, but has the kernel fetch
// those that are not in memory. It is a process of its own because opening
// can hang for ever, on a network mount whose server is gone, and then only the worker waits for it: the supervisor sees
// a worker without progress, and does away with both. Not meant to be started by hand.
#include <sys/resource.h>
#include <sys/socket.h>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/clock.h"
#include "daemon/open_file.h"
#include "daemon/read_ahead.h"
#include "shm/file_passing.h"
#include "shm/records.h"

namespace {

using namespace pairloom;

// What is open is passed on when it fills a message, or sooner when opening is slow and the worker may be waiting.
constexpr int64_t kOldestNs = 200'000;
// Room for the largest request (daemon/worker_process.h).
constexpr size_t kRequestBytes = 1u << 20;

// The number of files on their way, of all openers of a user, is limited by this one's limit for open files.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

struct Options {
  bool drop_behind = false;  // what was not in memory before need not stay there
};

Result<> open_all(std::span<const std::byte> chunk, const Options& options, daemon::ReadAhead& ahead, shm::FileSender& sender,
                  size_t& batch) {
  std::string path;
  daemon::FileOpener opener;
  int64_t oldest_ns = 0;
  PAIRLOOM_ASSIGN([[maybe_unused]] const auto header, shm::parse_chunk(chunk, [&](const shm::TaskView& task) -> Result<> {
    path.assign(reinterpret_cast<const char*>(task.payload.data()), task.payload.size());
    if (sender.count() == 0) oldest_ns = system_clock().monotonic_ns();
    shm::PassedFile file = opener.open(path, task.task_id);
    file.drop_behind = ahead.fetch(file.fd, file.identity.size_bytes) && options.drop_behind;
    sender.add(std::move(file));
    if (sender.count() < batch && system_clock().monotonic_ns() - oldest_ns < kOldestNs) return {};
    batch = std::min(2 * batch, shm::kFilesAtOnce);  // the first file is passed at once: somebody is waiting for it
    return sender.send();
  }));
  return sender.send();
}

Result<> serve(const Fd& requests, const Options& options, shm::FileSender sender) {
  // Not filled with zeros: most requests touch a page or two of it.
  const auto room = std::make_unique_for_overwrite<std::byte[]>(kRequestBytes);
  daemon::ReadAhead ahead(options.drop_behind);
  size_t batch = 1;
  while (true) {
    const ssize_t got = ::recv(requests.get(), room.get(), kRequestBytes, 0);
    if (got == 0) return {};  // the supervisor is gone
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot hear the supervisor", errno);
    PAIRLOOM_TRY(open_all({room.get(), static_cast<size_t>(got)}, options, ahead, sender, batch));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options{argc == 4 && std::string_view(argv[3]) == "--drop-behind"};
  if (argc != 3 && !options.drop_behind) {
    fmt::print(stderr, "pairloom-opener: is started by pairloom, not by hand (see pairloom --help)\n");
    return 2;
  }
  raise_file_limit();
  const auto served = serve(Fd(std::atoi(argv[1])), options, shm::FileSender(Fd(std::atoi(argv[2]))));
  if (served) return 0;
  fmt::print(stderr, "pairloom-opener: {}\n", served.error().message);
  return 3;
}
