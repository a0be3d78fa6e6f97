// Whether the heads of a disk have to move from file to file. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <string>

namespace pairloom::daemon {

// By the kernel's word for the disk of `device` (stat's st_dev), whole or a partition. False where it has none: network
// mounts, and file systems that are on several disks (Btrfs, ZFS).
bool is_on_rotating_disk(uint64_t device, const std::string& sys = "/sys");

}  // namespace pairloom::daemon
