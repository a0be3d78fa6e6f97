// Every verb with all it takes, read off the option tree that parses the command line. The manual page and the
// completions are written from it, so that they cannot say other things than --help. Runs in: cli.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/verb.h"

namespace pairloom::cli {

enum class ValueKind { kNone, kText, kFile, kDirectory, kWord };  // kNone: a flag

struct OptionEntry {
  std::vector<std::string> names;  // "-i", "--index": short ones first
  ValueKind kind = ValueKind::kNone;
  std::string value;               // "FILE"; empty for a flag
  std::vector<std::string> words;  // all that the value may be, for kWord
  std::string about;
  std::string default_value;
  std::string group;      // heading in --help
  bool repeated = false;  // values add up
};

struct ArgumentEntry {
  std::string name;  // "DIR"
  std::string about;
  bool required = false, many = false;
};

struct CommandEntry {
  std::string name;  // "pairloom", "pairloom index", "pairloom index add"
  std::string what;
  std::span<const Example> examples;
  std::vector<ArgumentEntry> arguments;
  std::vector<OptionEntry> options;  // its own first, then the global ones
  std::vector<CommandEntry> below;

  std::string_view last_word() const { return std::string_view(name).substr(name.rfind(' ') + 1); }
};

// The tree below `app`, whose full name ("pairloom index") is `name`; `app` stays as it is.
CommandEntry read_command(CLI::App& app, const std::string& name);

// `root` and all that is below it, each before what is below it.
std::vector<const CommandEntry*> all_commands(const CommandEntry& root);

// The part of `about` that fits beside a word in a list: up to the first full stop, semicolon, colon or parenthesis.
std::string brief(std::string_view about);

}  // namespace pairloom::cli
