// Where the programs lie that the supervisor starts. Runs in: supervisor.
#include <unistd.h>
#include <climits>
#include <span>

#include <fmt/format.h>

#include "daemon/control_channel.h"
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

Result<std::string> first_executable(const char* what, std::span<const std::string> candidates) {
  for (const auto& candidate : candidates)
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  std::string looked;
  for (const auto& candidate : candidates) looked += (looked.empty() ? "'" : ", '") + candidate + "'";
  return fail(Errc::kNoWorkers,
              fmt::format("the {} program is missing: looked for {}; install pairloom completely", what, looked));
}

Result<std::string> find_program(const char* what, const std::string& name) {
  const std::string own = own_directory();
  const std::string candidates[] = {own + "/" + name, own + "/../libexec/pairloom/" + name,
                                    PAIRLOOM_LIBEXEC "/" + name};
  return first_executable(what, candidates);
}

}  // namespace

Result<std::string> find_worker_program(const PoolOptions& pool, jobs::WorkerKind kind) {
  if (pool.worker_program.empty()) return find_program("worker", std::string(jobs::name_of(kind)));
  return first_executable("worker", std::span(&pool.worker_program, 1));
}

Result<std::string> find_control_program(const std::string& named) {
  if (named.empty()) return find_program("control", "pairloom-control");
  return first_executable("control", std::span(&named, 1));
}

Result<std::string> find_reader_program(const std::string& named) {
  if (!named.empty()) return first_executable("pairloom", std::span(&named, 1));
  const std::string own = own_directory();
  const std::string candidates[] = {own + "/pairloom", own + "/../bin/pairloom", PAIRLOOM_BIN "/pairloom"};
  return first_executable("pairloom", candidates);
}

Result<std::string> find_opener_program(const PoolOptions& pool) {
  if (pool.opener_program.empty()) return find_program("opener", "pairloom-opener");
  return first_executable("opener", std::span(&pool.opener_program, 1));
}

}  // namespace pairloom::daemon
