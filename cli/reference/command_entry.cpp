#include "cli/reference/command_entry.h"

#include <algorithm>

#include "cli/options.h"

namespace pairloom::cli {
namespace {

OptionEntry read_option(CLI::Option& option) {
  OptionEntry entry;
  for (const auto& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) entry.names.push_back("--" + name);
  entry.about = option.get_description();
  entry.default_value = option.get_default_str();
  entry.group = option.get_group();
  if (option.get_expected_max() == 0) return entry;
  entry.value = option.get_type_name();
  entry.words = words_of(option);
  entry.repeated = option.get_items_expected_max() > 1;
  entry.kind = !entry.words.empty()    ? ValueKind::kWord
               : entry.value == "FILE" ? ValueKind::kFile
               : entry.value == "DIR"  ? ValueKind::kDirectory
                                       : ValueKind::kText;
  return entry;
}

void walk(const CommandEntry& command, std::vector<const CommandEntry*>& into) {
  into.push_back(&command);
  for (const auto& below : command.below) walk(below, into);
}

}  // namespace

CommandEntry read_command(CLI::App& app, const std::string& name) {
  CommandEntry command;
  command.name = name;
  command.what = app.get_description();
  for (const auto& verb : verbs())
    if (name == "pairloom " + std::string(verb.name)) command.examples = verb.examples;
  if (app.get_parent() == nullptr) command.examples = main_examples();
  for (auto* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (option->get_positional())
      command.arguments.push_back({option->get_name(true, false), option->get_description(), option->get_required(),
                                   option->get_items_expected_max() > 1});
    else if (!option->get_group().empty())
      command.options.push_back(read_option(*option));
  }
  std::stable_partition(command.options.begin(), command.options.end(),
                        [](const OptionEntry& o) { return o.group != kGlobalGroup; });
  for (auto* below : app.get_subcommands([](CLI::App*) { return true; }))
    command.below.push_back(read_command(*below, name + " " + below->get_name()));
  return command;
}

std::vector<const CommandEntry*> all_commands(const CommandEntry& root) {
  std::vector<const CommandEntry*> commands;
  walk(root, commands);
  return commands;
}

std::string brief(std::string_view about) {
  size_t end = about.size();
  for (const auto* stop : {". ", "; ", ": ", " ("}) end = std::min(end, about.find(stop));
  return std::string(about.substr(0, end));
}

}  // namespace pairloom::cli
