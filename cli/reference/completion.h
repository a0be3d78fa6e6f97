// What a shell needs to complete the command line: scripts written from the option tree. Runs in: cli.
#pragma once

#include <string>

#include "cli/reference/command_entry.h"

namespace pairloom::cli {

// Each defines all it needs, and needs no package of completions.
std::string bash_completion(const CommandEntry& root);  // for /usr/share/bash-completion/completions/pairloom
std::string zsh_completion(const CommandEntry& root);   // for /usr/share/zsh/vendor-completions/_pairloom
std::string fish_completion(const CommandEntry& root);  // for /usr/share/fish/vendor_completions.d/pairloom.fish

}  // namespace pairloom::cli
