#include "base/sandbox_level.h"

#include <string_view>
#include <utility>

namespace pairloom {

std::string describe_sandbox(uint32_t level) {
  if (level == 0) return "none";
  static constexpr std::pair<uint32_t, std::string_view> kMissing[] = {
      {kNoNewPrivileges, "no no_new_privs"},   {kResourceLimits, "no resource limits"}, {kLandlock, "no landlock"},
      {kSystemCalls, "no system call filter"}, {kSandboxTested, "not tested"},
  };
  std::string text;
  for (const auto& [step, words] : kMissing)
    if ((level & step) == 0) text.append(text.empty() ? "" : ", ").append(words);
  return text.empty() ? "complete" : text;
}

}  // namespace pairloom
