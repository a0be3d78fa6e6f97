// Pressure: the kernel's word that processes have to wait for memory, processor or disk (PSI), as something to wait for.
// Asked of the service's own cgroup where that is possible, else of the machine. Runs in: supervisor.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::service {

class Pressure {
 public:
  // `resource` is "memory", "cpu" or "io": EPOLLPRI each time somebody had to wait for it in `percent` of two seconds.
  // kUnsupported: the kernel, or the rights, are without it.
  static Result<Pressure> watch(const std::string& resource, int percent);

  // Wakes whoever waits, but is no proof: see watch::MountTable::fd().
  int fd() const { return fd_.get(); }
  // Whether somebody had to wait for so long since this was last asked.
  bool has_risen() const;
  const std::string& resource() const { return resource_; }

 private:
  Pressure(Fd fd, Fd asked, std::string resource)
      : fd_(std::move(fd)), asked_(std::move(asked)), resource_(std::move(resource)) {}
  Fd fd_, asked_;  // the same trigger twice; only has_risen() asks the second
  std::string resource_;
};

// The file of this process's cgroup (version 2) that says how much it waits for `resource`; empty: there is none.
// `proc_self_cgroup` is the text of /proc/self/cgroup.
std::string cgroup_pressure_file(const std::string& proc_self_cgroup, const std::string& resource);

}  // namespace pairloom::service
