#include "watch/mount_table.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <array>
#include <cerrno>

namespace pairloom::watch {
namespace {

// The kernel writes space, tab, newline and backslash as \ooo.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string_view next_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

}  // namespace

Result<MountTable> MountTable::open() {
  Fd fd(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)), asked(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!fd || !asked) return fail_errno("cannot open '/proc/self/mountinfo'", errno);
  MountTable table(std::move(fd), std::move(asked));
  PAIRLOOM_ASSIGN(table.mounts_, table.read());
  return table;
}

bool MountTable::has_changed() const {
  pollfd table{asked_.get(), POLLPRI, 0};
  return ::poll(&table, 1, 0) == 1 && (table.revents & (POLLPRI | POLLERR)) != 0;
}

Result<MountTable::Mounts> MountTable::read() const {
  std::string text;
  std::array<char, 16384> part{};
  if (::lseek(fd_.get(), 0, SEEK_SET) < 0) return fail_errno("cannot read '/proc/self/mountinfo'", errno);
  while (true) {
    PAIRLOOM_ASSIGN(const size_t size, read_up_to(fd_.get(), part.data(), part.size(), "'/proc/self/mountinfo'"));
    text.append(part.data(), size);
    if (size < part.size()) break;
  }
  return parse(text);
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime ...": id, parent, device, root within it, mount point (proc_pid_mountinfo(5)). Of
// several on one point the last counts: it hides the others.
MountTable::Mounts MountTable::parse(std::string_view mountinfo) {
  Mounts mounts;
  while (!mountinfo.empty()) {
    std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(mountinfo.size(), line.size() + 1));
    const std::string id(next_word(line));
    next_word(line);
    const std::string device(next_word(line));
    const std::string root(next_word(line));
    const std::string_view point = next_word(line);
    if (!point.empty()) mounts[unescaped(point)] = id + " " + device + " " + root;
  }
  return mounts;
}

Result<std::vector<std::string>> MountTable::changes() {
  PAIRLOOM_ASSIGN(Mounts now, read());
  std::vector<std::string> changed;
  for (const auto& [point, what] : now) {
    const auto before = mounts_.find(point);
    if (before == mounts_.end() || before->second != what) changed.push_back(point);
  }
  for (const auto& [point, what] : mounts_)
    if (!now.contains(point)) changed.push_back(point);
  mounts_ = std::move(now);
  return changed;
}

bool is_remote_filesystem(const std::string& directory) {
  struct statfs fs {};
  if (::statfs(directory.c_str(), &fs) != 0) return false;
  switch (static_cast<uint32_t>(fs.f_type)) {  // statfs(2); linux/magic.h has not all of them
    case 0x6969:                               // NFS
    case 0xFF534D42:                           // CIFS
    case 0xFE534D42:                           // SMB2
    case 0x517B:                               // SMB
    case 0x65735546:                           // FUSE: sshfs, rclone, and local ones, which are polled in vain
    case 0x00C36400:                           // Ceph
    case 0x5346414F:                           // AFS
    case 0x6B414653:                           // kAFS
    case 0x73757245:                           // Coda
    case 0x01021997:                           // 9P
    case 0x0BD00BD0:                           // Lustre
    case 0x01161970:                           // GFS2
    case 0x7461636F:                           // OCFS2
    case 0x786F4256:                           // VirtualBox shared folders
    case 0xBACBACBC:                           // VMware shared folders
      return true;
    default:
      return false;
  }
}

}  // namespace pairloom::watch
