#include <fmt/format.h>
#include <set>

#include "base/version.h"
#include "cli/reference/completion.h"

namespace pairloom::cli {
namespace {

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += (c == '\'' || c == '\\') ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

std::string option_line(std::string_view condition, const OptionEntry& option) {
  std::string out = fmt::format("complete -c pairloom{}", condition);
  for (const auto& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  switch (option.kind) {
    case ValueKind::kNone:
      break;
    case ValueKind::kText:
      out += " -x";
      break;
    case ValueKind::kFile:
      out += " -r -F";
      break;
    case ValueKind::kDirectory:
      out += " -x -a '(__fish_complete_directories)'";
      break;
    case ValueKind::kWord: {
      std::string words;
      for (const auto& word : option.words) words += (words.empty() ? "" : " ") + word;
      out += " -x -a " + single_quoted(words);
      break;
    }
  }
  return out + " -d " + single_quoted(brief(option.about)) + "\n";
}

constexpr std::string_view kFunctions = R"(
# The verb on the command line so far: "pairloom index add".
function __pairloom_verb
    set -l verb pairloom
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
        else if contains -- $word $__pairloom_with_value
            set is_value yes
        else if test "$word" = --
            break
        else if contains -- "$verb $word" $__pairloom_verbs
            set verb "$verb $word"
        end
    end
    echo $verb
end

function __pairloom_is
    test (__pairloom_verb) = "$argv"
end

complete -c pairloom -e
complete -c pairloom -f
)";

}  // namespace

std::string fish_completion(const CommandEntry& root) {
  const auto commands = all_commands(root);
  std::string out = fmt::format("# fish completion for pairloom {}; made by: pairloom --generate complete-fish\n\n", kVersion);
  std::set<std::string> with_value;
  std::string names;
  for (const auto* command : commands) {
    if (command != &root) names += " " + single_quoted(command->name);
    for (const auto& option : command->options)
      if (option.kind != ValueKind::kNone) with_value.insert(option.names.begin(), option.names.end());
  }
  out += "set -g __pairloom_verbs" + names + "\nset -g __pairloom_with_value";
  for (const auto& name : with_value) out += " " + name;
  out += "\n" + std::string(kFunctions) + "\n";
  for (const auto* command : commands) {
    const std::string condition = fmt::format(" -n '__pairloom_is {}'", command->name);
    for (const auto& below : command->below) {
      out += fmt::format("complete -c pairloom{} -a {} -d {}\n", condition, below.last_word(), single_quoted(brief(below.what)));
      if (command == &root && below.last_word() != "help")
        out += fmt::format("complete -c pairloom -n '__pairloom_is pairloom help' -a {}\n", below.last_word());
    }
    if (!command->arguments.empty() && command->last_word() != "help")
      out += fmt::format("complete -c pairloom{} -F\n", condition);
    for (const auto& option : command->options)
      if (option.group != kGlobalGroup) out += option_line(condition, option);
  }
  for (const auto& option : root.options)
    if (option.group == kGlobalGroup) out += option_line("", option);
  return out;
}

}  // namespace pairloom::cli
