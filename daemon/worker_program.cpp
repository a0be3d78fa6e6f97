// Where the worker program lies. Runs in: supervisor.
#include <unistd.h>
#include <climits>

#include <fmt/format.h>

#include "daemon/index_run.h"

namespace pairloom::daemon {
namespace {

std::string own_directory() {
  char buffer[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", buffer, sizeof buffer);
  if (n <= 0) return ".";
  const std::string path(buffer, static_cast<size_t>(n));
  return path.substr(0, path.rfind('/'));
}

}  // namespace

Result<std::string> find_worker_program(const PoolOptions& pool) {
  const std::string own = own_directory();
  std::vector<std::string> candidates;
  if (!pool.worker_program.empty())
    candidates = {pool.worker_program};
  else
    candidates = {own + "/pairloom-worker", own + "/../libexec/pairloom/pairloom-worker", PAIRLOOM_WORKER_INSTALLED};
  for (const auto& candidate : candidates)
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  std::string looked;
  for (const auto& candidate : candidates) looked += (looked.empty() ? "'" : ", '") + candidate + "'";
  return fail(Errc::kNoWorkers,
              fmt::format("the worker program is missing: looked for {}; install pairloom completely", looked));
}

}  // namespace pairloom::daemon
