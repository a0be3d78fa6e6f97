// Which cores the workers get. Runs in: supervisor.
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "daemon/index_run.h"

namespace pairloom::daemon {
namespace {

// The smallest cpu.max of this process's cgroup (v2) and those above it, or cpu.cfs_quota_us (v1), in CPUs; 0 = no
// limit. https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
double quota_of(const std::string& directory) {
  std::string quota;
  double period = 0;
  if (std::ifstream(directory + "/cpu.max") >> quota >> period && quota != "max" && period > 0)
    return std::stod(quota) / period;
  double quota_us = 0, period_us = 0;
  if (std::ifstream(directory + "/cpu.cfs_quota_us") >> quota_us && quota_us > 0 &&
      std::ifstream(directory + "/cpu.cfs_period_us") >> period_us && period_us > 0)
    return quota_us / period_us;
  return 0;
}

// /proc/self/cgroup lines: "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1).
double cgroup_limit() {
  std::ifstream lines("/proc/self/cgroup");
  double limit = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string mount;
    if (controllers.empty())
      mount = "/sys/fs/cgroup";
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      mount = "/sys/fs/cgroup/cpu";
    else
      continue;
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      const double here = quota_of(mount + path);
      if (here > 0 && (limit == 0 || here < limit)) limit = here;
      if (path.find('/') == std::string::npos) break;
    }
  }
  return limit;
}

struct CpuSetDeleter {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

// The CPUs this process may run on, in order: containers and taskset count. Empty: the kernel does not say.
std::vector<int> usable_cpus() {
  constexpr int kMostCpus = 8192;  // the kernel's own limit
  const std::unique_ptr<cpu_set_t, CpuSetDeleter> set(CPU_ALLOC(kMostCpus));
  const size_t bytes = CPU_ALLOC_SIZE(kMostCpus);
  if (!set || ::sched_getaffinity(0, bytes, set.get()) != 0) return {};
  std::vector<int> cpus;
  for (int cpu = 0; cpu < kMostCpus; ++cpu)
    if (CPU_ISSET_S(static_cast<size_t>(cpu), bytes, set.get())) cpus.push_back(cpu);
  return cpus;
}

// The hardware threads of a CPU's core, as text: the same for all of them.
// https://docs.kernel.org/admin-guide/cputopology.html. Empty: the kernel does not say.
std::string core_of(int cpu) {
  std::string threads;
  std::getline(std::ifstream(fmt::format("/sys/devices/system/cpu/cpu{}/topology/core_cpus_list", cpu)), threads);
  return threads;
}

// One hardware thread of each core: siblings share its units. Empty: nothing is known of some CPU.
std::vector<int> one_of_each_core(const std::vector<int>& cpus) {
  std::unordered_set<std::string> cores;
  std::vector<int> first;
  for (const int cpu : cpus) {
    std::string core = core_of(cpu);
    if (core.empty()) return {};
    if (cores.insert(std::move(core)).second) first.push_back(cpu);
  }
  return first;
}

}  // namespace

PhysicalCores usable_physical_cores() {
  PhysicalCores result;
  const std::vector<int> usable = usable_cpus();
  result.logical = std::max(1, static_cast<int>(usable.size()));
  result.cpus = one_of_each_core(usable);
  // No core information (some virtual machines, no /sys): a worker for each logical CPU, unpinned.
  if (result.cpus.empty()) result.cpus.assign(static_cast<size_t>(result.logical), -1);
  result.physical = static_cast<int>(result.cpus.size());
  result.cgroup_limit = cgroup_limit();
  if (result.cgroup_limit > 0) {
    const auto allowed = static_cast<size_t>(std::max(1.0, std::floor(result.cgroup_limit + 0.01)));
    if (result.cpus.size() > allowed) {
      result.cpus.resize(allowed);
      for (int& cpu : result.cpus) cpu = -1;  // the quota is time, not places: let the kernel choose
    }
  }
  return result;
}

}  // namespace pairloom::daemon
