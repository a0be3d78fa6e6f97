#include "cli/help.h"

#include <fmt/format.h>
#include <algorithm>
#include <vector>

namespace pairloom::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kColumn = 26;  // where descriptions begin

std::string entry(const std::string& left, std::string_view about) {
  std::string out = "  " + left;
  if (out.size() + 2 > kColumn)
    out += "\n" + std::string(kColumn, ' ');
  else
    out.resize(kColumn, ' ');
  return out + wrapped(about, kColumn, kWidth) + "\n";
}

std::string spelling(const CLI::Option& option) {
  std::string out;
  for (const auto& name : option.get_snames()) out += (out.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames()) out += (out.empty() ? "    --" : ", --") + name;
  if (option.get_expected_max() > 0 && !option.get_type_name().empty()) out += " " + option.get_type_name();
  return out;
}

std::string argument_spelling(const CLI::Option& option) {
  std::string name = option.get_name(true, false);
  if (option.get_items_expected_max() > 1) name += "..";
  return option.get_required() ? name : "[" + name + "]";
}

std::vector<const CLI::Option*> arguments_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* o) { return o->get_positional(); });
}

std::string options_text(const CLI::App& app) {
  std::vector<std::string> groups;
  for (const auto* option : app.get_options())
    if (!option->get_positional() && std::find(groups.begin(), groups.end(), option->get_group()) == groups.end())
      groups.push_back(option->get_group());
  // What a verb has of its own first, what all have last.
  std::stable_partition(groups.begin(), groups.end(), [](const std::string& g) { return g != kGlobalGroup; });
  std::string out;
  for (const auto& group : groups) {
    if (group.empty()) continue;
    out += "\n" + group + ":\n";
    for (const auto* option : app.get_options()) {
      if (option->get_positional() || option->get_group() != group) continue;
      std::string about = option->get_description();
      if (!option->get_default_str().empty()) about += fmt::format(" [default: {}]", option->get_default_str());
      out += entry(spelling(*option), about);
    }
  }
  return out;
}

// The verbs below `prefix` ("" or "index"), by group, in the order of the table.
std::string verbs_text(std::string_view prefix) {
  std::string out;
  std::string_view group;
  for (const auto& verb : verbs()) {
    if (!prefix.empty() && !verb.name.starts_with(std::string(prefix) + " ")) continue;
    if (verb.group != group) out += fmt::format("\n{}:\n", verb.group);
    group = verb.group;
    out += entry(std::string(verb.name), verb.what);
  }
  return out;
}

}  // namespace

std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    if (column > indent && column + 1 + word.size() > width) out += "\n" + std::string(indent, ' '), column = indent;
    if (column > indent) out += ' ', ++column;
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  const bool has_verbs = !app->get_subcommands([](const CLI::App*) { return true; }).empty();
  std::string out = fmt::format("{}: {}\n\nUsage: {}", full_name_, app->get_description(), full_name_);
  out += has_verbs ? " VERB [OPTIONS] .." : " [OPTIONS]";
  for (const auto* argument : arguments_of(*app)) out += " " + argument_spelling(*argument);
  out += "\n";
  if (!examples_.empty()) {
    out += "\nExamples:\n";
    for (const auto& example : examples_) out += fmt::format("  {}\n      {}\n", example.command, example.about);
  }
  if (has_verbs) out += verbs_text(app->get_parent() == nullptr ? "" : app->get_name());
  if (const auto arguments = arguments_of(*app); !arguments.empty()) {
    out += "\nArguments:\n";
    for (const auto* argument : arguments) out += entry(argument_spelling(*argument), argument->get_description());
  }
  out += options_text(*app);
  if (has_verbs) out += "\nEach verb has its own help: pairloom VERB --help\n";
  return out;
}

}  // namespace pairloom::cli
