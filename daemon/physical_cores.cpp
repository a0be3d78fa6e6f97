// Which cores the workers get. Runs in: supervisor.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <hwloc.h>

#include "base/fd.h"
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

struct TopologyDeleter {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};

// Within affinity: the number of logical CPUs, then one of each core. Empty: nothing is known.
std::vector<int> ask_hwloc() {
  ::setenv("HWLOC_PLUGINS_PATH", "/nonexistent",
           0);  // its plug-ins find GPUs: not wanted, and slower than all the rest
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return {};
  const std::unique_ptr<hwloc_topology, TopologyDeleter> topology(raw);
  // Only what this process is bound to: containers and taskset count.
  hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING | HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
                                    HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS |
                                    HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
  // Nothing but cores. Caches are a dozen files for each CPU; and the x86 component moves this process to each of them, to
  // ask it by CPUID what the kernel has told already.
  hwloc_topology_set_all_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_type_filter(raw, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
  if (hwloc_topology_load(raw) != 0) return {};
  std::vector<int> answer{hwloc_get_nbobjs_by_type(raw, HWLOC_OBJ_PU)};
  const int cores = hwloc_get_nbobjs_by_type(raw, HWLOC_OBJ_CORE);
  for (int i = 0; i < cores; ++i) {
    const hwloc_obj_t core = hwloc_get_obj_by_type(raw, HWLOC_OBJ_CORE, static_cast<unsigned>(i));
    const int cpu = hwloc_bitmap_first(core->cpuset);  // one hardware thread a core: siblings share its units
    if (cpu >= 0) answer.push_back(cpu);
  }
  return answer;
}

// By a child: hwloc does not check all of its allocations, and where memory ends it would take the supervisor with it.
std::vector<int> ask_hwloc_in_a_child() {
  constexpr size_t kMostCpus = 8192;  // an answer fits into the pipe
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const Fd from(ends[0]);
  Fd to(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::vector<int> answer = ask_hwloc();
    const bool said = answer.size() <= kMostCpus && write_all(to.get(), answer.data(), answer.size() * sizeof(int), "pipe");
    ::_exit(said ? 0 : 1);
  }
  to.reset();
  if (child < 0) return {};
  std::vector<int> answer(kMostCpus);
  const auto bytes = read_up_to(from.get(), answer.data(), answer.size() * sizeof(int), "pipe");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  answer.resize(bytes && status == 0 ? *bytes / sizeof(int) : 0);
  return answer;
}

}  // namespace

PhysicalCores usable_physical_cores() {
  PhysicalCores result;
  const std::vector<int> known = ask_hwloc_in_a_child();
  result.logical = known.empty() ? 1 : known.front();
  if (!known.empty()) result.cpus.assign(known.begin() + 1, known.end());
  // No core information (some virtual machines, no /sys): a worker for each logical CPU, unpinned.
  if (result.cpus.empty()) result.cpus.assign(static_cast<size_t>(std::max(1, result.logical)), -1);
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
