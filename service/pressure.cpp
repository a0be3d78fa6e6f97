#include "service/pressure.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace pairloom::service {
namespace {

constexpr int kWindowUs = 2'000'000;  // unprivileged processes may only ask for multiples of it

std::string text_of(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(4096, '\0');
  if (!fd) return "";
  const auto size = read_up_to(fd.get(), text.data(), text.size(), path);
  text.resize(size ? *size : 0);
  return text;
}

}  // namespace

std::string cgroup_pressure_file(const std::string& proc_self_cgroup, const std::string& resource) {
  // "0::/system.slice/pairloomd.service" is the line of version 2 (cgroups(7)).
  const size_t at = proc_self_cgroup.starts_with("0::/") ? 0 : proc_self_cgroup.find("\n0::/");
  if (at == std::string::npos) return "";
  const size_t begin = proc_self_cgroup.find("::", at) + 2;
  const std::string path = proc_self_cgroup.substr(begin, proc_self_cgroup.find('\n', begin) - begin);
  return path == "/" ? "" : "/sys/fs/cgroup" + path + "/" + resource + ".pressure";
}

bool Pressure::has_risen() const {
  pollfd trigger{asked_.get(), POLLPRI, 0};
  return ::poll(&trigger, 1, 0) == 1 && (trigger.revents & POLLPRI) != 0;
}

Result<Pressure> Pressure::watch(const std::string& resource, int percent) {
  const std::string trigger = fmt::format("some {} {}", kWindowUs / 100 * percent, kWindowUs);
  std::string tried;
  for (const std::string& path : {cgroup_pressure_file(text_of("/proc/self/cgroup"), resource), "/proc/pressure/" + resource}) {
    if (path.empty()) continue;
    const auto set = [&] {
      Fd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
      return fd && ::write(fd.get(), trigger.c_str(), trigger.size() + 1) > 0 ? std::move(fd) : Fd();
    };
    Fd fd = set(), asked = set();
    if (fd && asked) return Pressure(std::move(fd), std::move(asked), resource);
    tried += fmt::format("{}'{}': {}", tried.empty() ? "" : ", ", path, std::strerror(errno));
  }
  return fail(Errc::kUnsupported, fmt::format("cannot watch the pressure on {}: {}", resource, tried));
}

}  // namespace pairloom::service
