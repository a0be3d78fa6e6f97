#include "cli/reference/manual_page.h"

#include <fmt/format.h>
#include <cstdlib>
#include <ctime>

#include "base/version.h"
#include "cli/exit_code.h"
#include "cli/help.h"

namespace pairloom::cli {
namespace {

struct Entry {
  std::string_view term, about;
};

constexpr std::string_view kDescription[] = {
    "pairloom indexes image collections and finds near-duplicates in them: resized, re-encoded, slightly edited copies, "
    "and byte-identical ones. It starts one worker process for every physical core; only workers, locked into a "
    "sandbox, touch image bytes. What they find is kept in an index: one SQLite file, in which the verbs search. A later "
    "run opens only files that are new or changed, and a run that was interrupted or killed goes on where it was.",
    "Nothing that pairloom does changes, moves or deletes an image. It writes its index and the files it is told to.",
    "Results go to standard output, everything else to standard error. Options may stand before or after the verb and in "
    "any order; one given twice counts as given last. -- ends the options. Verbs and options are never abbreviated.",
};

// docs/cli.md says the same in more words.
constexpr std::pair<ExitCode, std::string_view> kExitStatus[] = {
    {ExitCode::kDone, "Done; also when nothing was found (but see 1 and 10)."},
    {ExitCode::kNegative, "The answer is no: the pictures differ (cmp), nothing matches (match)."},
    {ExitCode::kUsage, "What was asked for cannot be: unknown verb or option, wrong value."},
    {ExitCode::kUnreadable, "Done, but some inputs could not be read; they are listed."},
    {ExitCode::kIndex, "The index is missing, damaged, or made by a newer pairloom."},
    {ExitCode::kLocked, "Another process writes the index; the message names it."},
    {ExitCode::kRefused, "Refused for safety: a file would be overwritten."},
    {ExitCode::kFailed, "Failed for a reason outside the request: full disk, no worker program, a failing system call."},
    {ExitCode::kFound, "Found, with --fail-if-found."},
    {ExitCode::kInterrupted, "Interrupted by SIGINT or SIGTERM; what was finished is kept."},
};

constexpr Entry kEnvironment[] = {
    {"PAIRLOOM_INDEX", "The index, unless --index names one."},
    {"XDG_DATA_HOME", "Where the index is else: below it in pairloom/index.db. Default: ~/.local/share."},
    {"NO_COLOR", "When not empty, no colours; --color overrides it."},
};

constexpr Entry kFiles[] = {
    {"~/.local/share/pairloom/index.db", "The index. Its views are a documented interface for SQL."},
    {"~/.local/share/pairloom/index.db-codes", "The codes, packed for searching; made again when it is missing."},
};

// Text for roff: what it would take for markup is escaped; `text` must not begin a line of its own with a macro.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '"')
      out += "\\(dq";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '`')
      out += "\\(ga";
    else
      out += c;
  }
  return out;
}

// A paragraph in lines of readable length. A line that begins with a full stop would be a macro.
std::string paragraph(std::string_view text) {
  std::string out, lines = wrapped(text, 0, 76) + "\n";
  for (size_t at = 0; at < lines.size();) {
    const size_t end = lines.find('\n', at);
    const auto line = std::string_view(lines).substr(at, end - at);
    out += (line.starts_with('.') ? "\\&" : "") + escaped(line) + "\n";
    at = end + 1;
  }
  return out;
}

std::string entry(const std::string& marked_up_term, std::string_view about) {
  return ".TP\n" + marked_up_term + "\n" + paragraph(about);
}

std::string bold(std::string_view text) {
  return "\\fB" + escaped(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + escaped(text) + "\\fR";
}

std::string option_text(const OptionEntry& option) {
  std::string term;
  for (const auto& name : option.names) term += (term.empty() ? "" : ", ") + bold(name);
  if (!option.value.empty()) term += " " + italic(option.value);
  std::string about = option.about;
  if (!option.default_value.empty()) about += fmt::format(" [default: {}]", option.default_value);
  return entry(term, about);
}

std::string usage(const CommandEntry& command) {
  std::string out = bold(command.name);
  out += command.below.empty() ? "" : " " + italic("VERB");
  out += " [" + italic("OPTIONS") + "]";
  for (const auto& argument : command.arguments) {
    const std::string name = italic(argument.name) + (argument.many ? ".." : "");
    out += argument.required ? " " + name : " [" + name + "]";
  }
  return out;
}

// As they stand in --help: a command on a line of its own, what it does below.
std::string examples_text(std::span<const Example> examples) {
  std::string out;
  for (const auto& example : examples)
    out += fmt::format(".PP\n.EX\n{}{}\n.EE\n.RS 4\n{}.RE\n", example.command.starts_with('.') ? "\\&" : "",
                       escaped(example.command), paragraph(example.about));
  return out;
}

std::string verb_text(const CommandEntry& verb) {
  std::string out = fmt::format(".SS {}\n", escaped(verb.name)) + usage(verb) + "\n";
  std::string what = verb.what + ".";
  if (what[0] >= 'a' && what[0] <= 'z') what[0] = static_cast<char>(what[0] - 'a' + 'A');
  out += ".PP\n" + paragraph(what);
  for (const auto& argument : verb.arguments) out += entry(italic(argument.name), argument.about);
  for (const auto& option : verb.options)
    if (option.group != kGlobalGroup) out += option_text(option);
  if (!verb.examples.empty()) out += ".PP\nExamples:\n" + examples_text(verb.examples);
  return out;
}

std::string entries_text(std::span<const Entry> entries, std::string (*mark)(std::string_view)) {
  std::string out;
  for (const auto& e : entries) out += entry(mark(e.term), e.about);
  return out;
}

std::string date() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  const std::time_t now = epoch != nullptr ? static_cast<std::time_t>(std::atoll(epoch)) : std::time(nullptr);
  std::tm day{};
  char text[16];
  return std::string(text, ::gmtime_r(&now, &day) ? std::strftime(text, sizeof text, "%F", &day) : 0);
}

}  // namespace

std::string manual_page(const CommandEntry& root) {
  std::string out = fmt::format(".TH PAIRLOOM 1 \"{}\" \"pairloom {}\" \"User Commands\"\n", date(), kVersion);
  out += ".SH NAME\n" + escaped(root.name) + " \\- " + escaped(root.what) + "\n.SH SYNOPSIS\n" + usage(root) + "\n";
  out += ".br\n" + bold("pairloom");
  for (const auto& option : root.options)
    if (option.group != kGlobalGroup) out += (&option == &root.options.front() ? " " : " | ") + bold(option.names.back()) + (option.value.empty() ? "" : " " + italic(option.value));
  out += "\n.SH DESCRIPTION\n";
  for (const auto text : kDescription) out += (text == kDescription[0] ? "" : ".PP\n") + paragraph(text);
  out += ".SH EXAMPLES\n" + examples_text(root.examples).substr(4);  // no .PP right below a heading
  out += ".SH VERBS\n";
  for (const auto* command : all_commands(root))
    if (command->below.empty()) out += verb_text(*command);
  out += ".SH GLOBAL OPTIONS\n";
  for (const auto& option : root.options)
    if (option.group == kGlobalGroup) out += option_text(option);
  out += ".SH OPTIONS WITHOUT A VERB\n";
  for (const auto& option : root.options)
    if (option.group != kGlobalGroup) out += option_text(option);
  out += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : kExitStatus) out += entry(bold(std::to_string(static_cast<int>(code))), meaning);
  out += ".PP\nNew codes may be added; an unknown one is a failure.\n";
  out += ".SH ENVIRONMENT\n" + entries_text(kEnvironment, bold);
  out += ".SH FILES\n" + entries_text(kFiles, italic);
  return out;
}

}  // namespace pairloom::cli
