#include <fmt/format.h>
#include <algorithm>

#include "base/version.h"
#include "cli/reference/completion.h"

namespace pairloom::cli {
namespace {

// Within single quotes, and within a description of _arguments or _describe.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

std::string function_name(const CommandEntry& command) {
  std::string name = "_" + command.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

std::string action(const OptionEntry& option) {
  switch (option.kind) {
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kDirectory:
      return "_files -/";
    case ValueKind::kWord: {
      std::string out;
      for (const auto& word : option.words) out += (out.empty() ? "(" : " ") + word;
      return out + ")";
    }
    case ValueKind::kNone:
    case ValueKind::kText:
      break;
  }
  return "";
}

// A line for each spelling, each of which rules the others out.
std::string option_specs(const OptionEntry& option) {
  std::string others;
  for (const auto& name : option.names) others += (others.empty() ? "" : " ") + name;
  const std::string before = option.repeated ? "*" : "(" + others + ")";
  std::string out;
  for (const auto& name : option.names) {
    out += fmt::format("    '{}{}", before, name);
    if (option.kind != ValueKind::kNone) out += name.starts_with("--") ? "=" : "+";
    out += "[" + escaped(brief(option.about)) + "]";
    if (option.kind != ValueKind::kNone) out += ":" + escaped(option.value) + ":" + action(option);
    out += "'\n";
  }
  return out;
}

std::string argument_spec(const ArgumentEntry& argument) {
  return fmt::format("    '{}:{}:_files'\n", argument.many ? "*" : argument.required ? "" : ":", escaped(argument.name));
}

// The verbs below `command`, as arrays of _describe want them.
std::string verb_list(const CommandEntry& command) {
  std::string out = "  local -a verbs=(\n";
  for (const auto& below : command.below) out += fmt::format("    '{}:{}'\n", below.last_word(), escaped(brief(below.what)));
  return out + "  )\n";
}

std::string own_options(const CommandEntry& command) {
  std::string out;
  for (const auto& option : command.options)
    if (option.group != kGlobalGroup) out += option_specs(option);
  return out;
}

std::string verb_function(const CommandEntry& verb) {
  std::string out = function_name(verb) + "() {\n  local -a own=(\n" + own_options(verb);
  if (verb.last_word() == "help")
    out += "    '*:verb:_pairloom_verbs'\n";
  else
    for (const auto& argument : verb.arguments) out += argument_spec(argument);
  return out + "  )\n  _arguments -s -S : $global $own\n}\n\n";
}

// A word that is itself followed by verbs: pairloom, pairloom index.
std::string family_function(const CommandEntry& family) {
  std::string out = function_name(family) + "() {\n  local state line ret=1\n";
  if (family.name == "pairloom") {
    out += "  local curcontext=$curcontext\n  typeset -A opt_args\n  local -a global=(\n";
    for (const auto& option : family.options)
      if (option.group == kGlobalGroup) out += option_specs(option);
    out += "  )\n";
  }
  out += verb_list(family) + "  local -a own=(\n" + own_options(family) + "  )\n";
  out += "  _arguments -C -s -S : $global $own '1:verb:->verb' '*::argument:->rest' && ret=0\n  case $state in\n";
  out += "    verb) _describe -t verbs verb verbs && ret=0 ;;\n    rest)\n";
  out += "      curcontext=\"${curcontext%:*:*}:pairloom-$words[1]:\"\n      case $words[1] in\n";
  for (const auto& below : family.below)
    out += fmt::format("        {}) {} && ret=0 ;;\n", below.last_word(), function_name(below));
  return out + "      esac\n      ;;\n  esac\n  return ret\n}\n\n";
}

}  // namespace

std::string zsh_completion(const CommandEntry& root) {
  std::string out = fmt::format("#compdef pairloom\n# for pairloom {}; made by: pairloom --generate complete-zsh\n\n", kVersion);
  out += "_pairloom_verbs() {\n" + verb_list(root) + "  _describe -t verbs verb verbs\n}\n\n";
  for (const auto* command : all_commands(root))
    out += command->below.empty() ? verb_function(*command) : family_function(*command);
  out += "# Called as a completer, or sourced to become one.\n";
  out += "if [[ $funcstack[1] == _pairloom ]]; then\n  _pairloom \"$@\"\nelse\n  compdef _pairloom pairloom\nfi\n";
  return out;
}

}  // namespace pairloom::cli
