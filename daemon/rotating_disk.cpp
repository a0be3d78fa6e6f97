#include "daemon/rotating_disk.h"

#include <sys/sysmacros.h>
#include <fstream>

#include <fmt/format.h>

namespace pairloom::daemon {

bool is_on_rotating_disk(uint64_t device, const std::string& sys) {
  const std::string disk = fmt::format("{}/dev/block/{}:{}", sys, gnu_dev_major(device), gnu_dev_minor(device));
  // The link leads to the directory of the disk, or to that of the partition inside it.
  for (const char* queue : {"/queue/rotational", "/../queue/rotational"}) {
    std::ifstream file(disk + queue);
    char answer = '0';
    if (file >> answer) return answer == '1';
  }
  return false;
}

}  // namespace pairloom::daemon
