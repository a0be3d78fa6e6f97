// pairloomd: watches image directories and keeps their index fresh.
//
// Reads its configuration, and runs the service until it is told to stop.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/shortage.h"
#include "base/version.h"
#include "service/config.h"
#include "service/journal.h"
#include "service/service.h"

namespace pairloom::service {
namespace {

constexpr const char* kUsage = R"(Usage: pairloomd [--config FILE] [--check]

Watches image directories and keeps the index of near-duplicates fresh. What to
watch, and how, is said in FILE: pairloom.toml(5). Usually started by systemd.

  --config FILE  the configuration [/etc/pairloom/pairloom.toml]
  --check        only read the configuration, and say what is wrong with it
  --help, --version

SIGHUP reads the configuration again; SIGTERM ends it, with everything that was
finished stored.
)";

// As sysexits.h has them; systemd.exec(5) shows their names.
enum ExitStatus : int { kDone = 0, kFailed = 1, kUsageError = 2, kConfigError = 78 };

struct Options {
  std::string config = "/etc/pairloom/pairloom.toml";
  bool check_only = false;
};

int complain(const std::string& message, int status) {
  std::fputs(fmt::format("pairloomd: {}\n", message).c_str(), stderr);
  return status;
}

int run(const Options& options) {
  Journal journal;
  auto config = read_config(options.config);
  if (!config) {
    journal.error(config.error().message);
    return kConfigError;
  }
  if (options.check_only) return kDone;
  Service service(options.config, std::move(*config), journal);
  const auto done = service.run();
  if (done) return kDone;
  journal.error(done.error().message);
  return kFailed;
}

int main_of(const std::vector<std::string>& arguments) {
  outlive_failing_writes();
  end_where_memory_ends("pairloomd: out of memory; what was committed is kept, the next start goes on from there\n", kFailed);
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") return std::fputs(kUsage, stdout) < 0 ? kFailed : kDone;
    if (argument == "--version") return std::fputs(fmt::format("pairloomd {}\n", kVersion).c_str(), stdout) < 0 ? kFailed : kDone;
    if (argument == "--check") {
      options.check_only = true;
    } else if (argument == "--config" && i + 1 < arguments.size()) {
      options.config = arguments[++i];
    } else if (argument.starts_with("--config=")) {
      options.config = argument.substr(std::strlen("--config="));
    } else {
      return complain(fmt::format("'{}' is not expected here; pairloomd --help says what is", argument), kUsageError);
    }
  }
  return run(options);
}

}  // namespace
}  // namespace pairloom::service

int main(int argc, char** argv) {
  return pairloom::service::main_of({argv + (argc > 0 ? 1 : 0), argv + argc});
}
