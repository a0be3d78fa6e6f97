#include "workerproc/worker_program.h"

#include <sched.h>
#include <unistd.h>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "base/image.h"
#include "base/sandbox_level.h"
#include "base/version.h"
#include "workerproc/decode/decode.h"
#include "workerproc/loop.h"
#include "workerproc/sandbox.h"
#include "workerproc/worker_options.h"

namespace pairloom::workerproc {
namespace {

int list_decoders() {
  load_rare_decoders();
  for (const auto& decoder : decoders()) fmt::print("{}\t{}\n", name_of(decoder.format), decoder.library);
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

SandboxLimits limits_of(const WorkerProgram& program, uint64_t memory_bytes) {
  return {memory_bytes, program.kind == jobs::WorkerKind::kOpenCv};
}

int show_sandbox(const WorkerProgram& program) {
  const SandboxLimits limits = limits_of(program, 0);
  const uint32_t level = reachable_sandbox(limits);
  fmt::print("{}\t{}\n", level, describe_sandbox(level));
  for (const auto& misdeed : try_misdeeds(limits))
    fmt::print("{}\t{}\t{}\n", misdeed.prevented ? "prevented" : "possible", misdeed.what, misdeed.how);
  return 0;
}

// At once: unwinding would close the socket first, and the supervisor, to whom that is the end, would kill us before it can
// hear why.
[[noreturn]] void end_badly(const WorkerProgram& program, const Error& error, int status) {
  fmt::print(stderr, "{}: {}\n", jobs::name_of(program.kind), error.message);
  ::_exit(status);
}

int live(const WorkerProgram& program, const WorkerOptions& options) {
  auto lane = shm::Lane::open(Fd(options.lane_fd));
  if (!lane) end_badly(program, lane.error(), 2);
  shm::WorkerChannel channel(std::move(*lane), Fd(options.socket_fd));
  shm::FileReceiver files{Fd(options.files_fd)};
  pin_to(options.cpu);
  warm_up();
  program.warm_up();
  prepare_decoders();
  // While files can be opened; what is wrong with one is told when its features are asked for.
  for (const std::string& plugin : options.plugins) program.load_plugin(plugin);
  if (options.rare_decoders) load_rare_decoders();
  on_missing_decoder([] { ::_exit(shm::kExitForRareDecoders); });
  const uint32_t level = enter_sandbox(limits_of(program, static_cast<uint64_t>(options.memory_bytes)));
  const auto served = serve(channel, files, program.jobs, level);
  if (served) return 0;
  if (served.error().code == Errc::kInterrupted) return shm::kExitWithoutOpener;
  end_badly(program, served.error(), served.error().code == Errc::kUnsupported ? shm::kExitForUnknownJob : 3);
}

}  // namespace

int run_worker(const WorkerProgram& program, int argc, char** argv) {
  const auto options = parse_worker_options({argv + 1, static_cast<size_t>(argc - 1)});
  if (!options) end_badly(program, options.error(), 2);
  if (options->show_version) return fmt::print("{} {}\n", jobs::name_of(program.kind), kVersion), 0;
  if (options->list_decoders) return list_decoders();
  if (options->show_sandbox) return show_sandbox(program);
  if (!options->plugins.empty() && !program.load_plugin)
    end_badly(program, {Errc::kUnsupported, "takes no plugins"}, shm::kExitForUnknownJob);
  return live(program, *options);
}

}  // namespace pairloom::workerproc
