// pairloom-worker: the only program of pairloom that reads image bytes. The supervisor starts one per physical core,
// with its lane and its socket as open descriptors; it ends when the supervisor does. Not meant to be started by hand.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>

#include "base/image.h"
#include "base/version.h"
#include "workerproc/decode/decode.h"
#include "workerproc/features/plugin.h"
#include "workerproc/loop.h"
#include "workerproc/worker_options.h"

namespace {

using namespace pairloom;

int list_decoders() {
  for (const auto& decoder : workerproc::decoders()) fmt::print("{}\t{}\n", name_of(decoder.format), decoder.library);
  return 0;
}

// One worker per physical core already uses them all: no threads inside, and no OpenCL (it would be loaded on first
// use).
void quieten_opencv() {
  cv::setNumThreads(1);
  cv::ocl::setUseOpenCL(false);
}

void limit_myself(const workerproc::WorkerOptions& options) {
  if (options.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<size_t>(options.cpu), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);  // a refusal costs speed, not correctness
  }
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);  // a crash is data, not a core file
  prctl(PR_SET_DUMPABLE, 0);
}

int serve(const workerproc::WorkerOptions& options) {
  auto lane = shm::Lane::open(Fd(options.lane_fd));
  if (!lane) {
    fmt::print(stderr, "pairloom-worker: {}\n", lane.error().message);
    return 2;
  }
  shm::WorkerChannel channel(std::move(*lane), Fd(options.socket_fd));
  const auto served = workerproc::serve(channel);
  if (served) return 0;
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
  quieten_opencv();
  limit_myself(*options);
  // Before any image is seen; what is wrong with one is told when its features are asked for.
  for (const std::string& plugin : options->plugins) workerproc::loaded_plugins().load(plugin);
  return serve(*options);
}
