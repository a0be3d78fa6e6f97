// pairloom-worker: the only program of pairloom that reads image bytes. The supervisor starts one per physical core,
// with its lane and its socket as open descriptors; it ends when the supervisor does. Not meant to be started by hand.
#include <sched.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/image.h"
#include "base/sandbox_level.h"
#include "base/version.h"
#include "workerproc/decode/decode.h"
#include "workerproc/features/plugin.h"
#include "workerproc/loop.h"
#include "workerproc/sandbox.h"
#include "workerproc/worker_options.h"

namespace {

using namespace pairloom;

int list_decoders() {
  workerproc::load_rare_decoders();
  for (const auto& decoder : workerproc::decoders()) fmt::print("{}\t{}\n", name_of(decoder.format), decoder.library);
  return 0;
}

// The kernel moves a worker that is not pinned to where there is room; a refusal costs speed, not correctness.
void pin_to(int cpu) {
  if (cpu < 0) return;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<size_t>(cpu), &cpus);
  sched_setaffinity(0, sizeof cpus, &cpus);
}

int show_sandbox() {
  const uint32_t level = workerproc::reachable_sandbox();
  fmt::print("{}\t{}\n", level, describe_sandbox(level));
  for (const auto& misdeed : workerproc::try_misdeeds())
    fmt::print("{}\t{}\t{}\n", misdeed.prevented ? "prevented" : "possible", misdeed.what, misdeed.how);
  return 0;
}

int serve(const workerproc::WorkerOptions& options) {
  auto lane = shm::Lane::open(Fd(options.lane_fd));
  if (!lane) {
    fmt::print(stderr, "pairloom-worker: {}\n", lane.error().message);
    return 2;
  }
  shm::WorkerChannel channel(std::move(*lane), Fd(options.socket_fd));
  shm::FileReceiver files{Fd(options.files_fd)};
  pin_to(options.cpu);
  workerproc::warm_up();
  workerproc::prepare_decoders();
  // While files can be opened; what is wrong with one is told when its features are asked for.
  for (const std::string& plugin : options.plugins) workerproc::loaded_plugins().load(plugin);
  if (options.rare_decoders) workerproc::load_rare_decoders();
  workerproc::on_missing_decoder([] { ::_exit(shm::kExitForRareDecoders); });
  const uint32_t level = workerproc::enter_sandbox({static_cast<uint64_t>(options.memory_bytes)});
  const auto served = workerproc::serve(channel, files, level);
  if (served) return 0;
  if (served.error().code == Errc::kInterrupted) return shm::kExitWithoutOpener;
  fmt::print(stderr, "pairloom-worker: {}\n", served.error().message);
  return 3;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = workerproc::parse_worker_options({argv + 1, static_cast<size_t>(argc - 1)});
  if (!options) {
    fmt::print(stderr, "pairloom-worker: {}\n", options.error().message);
    return 2;
  }
  if (options->show_version) return fmt::print("pairloom-worker {}\n", kVersion), 0;
  if (options->list_decoders) return list_decoders();
  if (options->show_sandbox) return show_sandbox();
  return serve(*options);
}
