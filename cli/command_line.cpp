#include "cli/command_line.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/suggest.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/help.h"
#include "cli/reference/completion.h"
#include "cli/reference/manual_page.h"

namespace pairloom::cli {
namespace {

// What `pairloom --generate` can write.
struct Document {
  const char* name;
  std::string (*write)(const CommandEntry& root);
};
constexpr Document kDocuments[] = {{"man", manual_page},
                                   {"complete-bash", bash_completion},
                                   {"complete-zsh", zsh_completion},
                                   {"complete-fish", fish_completion}};

// Ends the parsing as --version does: no verb is needed.
struct CallForDocument : CLI::Success {
  explicit CallForDocument(const Document& document) : wanted(&document) {}
  const Document* wanted;
};

// The option tree with everything it points to.
struct Tree {
  CLI::App app{"index image collections and find near-duplicates in them", "pairloom"};
  std::shared_ptr<GlobalOptions> globals = std::make_shared<GlobalOptions>();
  Invocation chosen;
  std::vector<std::string> help_for;  // `pairloom help index add`
};

void dress(CLI::App& app, const std::string& full_name, std::span<const Example> examples, GlobalOptions& globals) {
  app.formatter(std::make_shared<HelpFormatter>(full_name, examples));
  app.set_help_flag("-h,--help", "Show this help")->group(kGlobalGroup);
  add_global_options(app, globals);
}

// The app a verb hangs on: the root, or "index", made when first met.
CLI::App* parent_of(Tree& tree, std::string_view family) {
  if (family.empty()) return &tree.app;
  for (auto* known : tree.app.get_subcommands([&](CLI::App* a) { return a->get_name() == family; })) return known;
  auto* made = tree.app.add_subcommand(std::string(family), "maintain the index");
  dress(*made, "pairloom " + std::string(family), {}, *tree.globals);
  made->require_subcommand(1);
  return made;
}

// The options of all verbs together take longer to declare than most questions to answer: those of verbs that are not named
// are left out. Only a document needs all.
bool needs_options(std::string_view verb_word, const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    return argument == verb_word || argument.starts_with("--generate");
  });
}

void build(Tree& tree, const std::vector<std::string>& arguments) {
  dress(tree.app, "pairloom", main_examples(), *tree.globals);
  const char* group = "Without a verb";
  tree.app.set_version_flag("-V,--version", fmt::format("pairloom {}", kVersion), "Show the version")->group(group);
  std::vector<std::string> documents;
  for (const auto& document : kDocuments) documents.emplace_back(document.name);
  add_words(tree.app, "--generate", documents, "WHAT", "", "Write the manual page, or what a shell needs to complete",
            [](size_t i) { throw CallForDocument(kDocuments[i]); })
      ->trigger_on_parse()
      ->group(group);
  tree.app.require_subcommand(1);
  for (const auto& verb : verbs()) {
    const size_t space = verb.name.find(' ');
    auto* parent = parent_of(tree, space == std::string_view::npos ? "" : verb.name.substr(0, space));
    const std::string word(verb.name.substr(space + 1));
    auto* leaf = parent->add_subcommand(word, std::string(verb.what));
    if (!needs_options(word, arguments)) continue;
    dress(*leaf, fmt::format("pairloom {}", verb.name), verb.examples, *tree.globals);
    Action action = verb.declare(*leaf);
    leaf->callback([&tree, &verb, action = std::move(action)] { tree.chosen = {&verb, tree.globals, action}; });
  }
  auto* help = tree.app.add_subcommand("help", "show the help of a verb");
  add_paths(*help, "VERB", tree.help_for, "The verb, as in: pairloom help index add");
}

const CLI::App& deepest(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : deepest(*parsed.back());
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? "pairloom" : full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(verb->get_name());
  return names;
}

Answer usage_error(const CLI::App& app, const std::string& why) {
  return {ExitCode::kUsage, fmt::format("pairloom: {}\nhint: {} --help\n", why, full_name(app))};
}

std::string with_suggestion(std::string why, const std::string& meant) {
  return meant.empty() ? why : why + fmt::format("; did you mean '{}'?", meant);
}

// CLI11 says what it did not expect; a person wants to know what would have been right.
Answer explain(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App* app = &deepest(root);
  // An unknown word stays with the app it was given to, which need not be the deepest.
  for (const CLI::App* a = app; a != nullptr; a = a->get_parent())
    if (a->remaining_size(false) > 0) app = a;
  const auto left = app->remaining(false);
  if (!left.empty()) {
    const std::string word = unprotect_argument(left.front());
    const std::string shown = escape_for_terminal(word);
    if (word.size() > 1 && word[0] == '-') {
      const std::string name = word.substr(0, word.find('='));
      const std::string meant = name.starts_with("--") ? nearest(name, option_names(*app)) : "";
      return usage_error(*app, with_suggestion(fmt::format("unknown option '{}'", escape_for_terminal(name)), meant));
    }
    const auto names = verb_names(*app);
    if (!names.empty())
      return usage_error(*app, with_suggestion(fmt::format("there is no verb '{}'", shown), nearest(word, names)));
    return usage_error(*app, fmt::format("one argument too many: '{}'", shown));
  }
  if (!verb_names(*app).empty()) return {ExitCode::kUsage, app->help()};  // no verb at all: say which there are
  std::string why = error.what();
  std::replace(why.begin(), why.end(), '\n', ' ');
  return usage_error(*app, why);
}

Answer help_answer(const CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* app = &root;
  for (const auto& word : words) {
    const auto below = app->get_subcommands([&](const CLI::App* a) { return a->get_name() == word; });
    if (below.empty())
      return usage_error(*app, with_suggestion(fmt::format("there is no verb '{}'", escape_for_terminal(word)),
                                               nearest(word, verb_names(*app))));
    app = below.front();
  }
  return {ExitCode::kDone, app->get_formatter()->make_help(app, "", CLI::AppFormatMode::Normal)};
}

}  // namespace

std::variant<Invocation, Answer> parse_command_line(const std::vector<std::string>& arguments) {
  Tree tree;
  build(tree, arguments);
  std::vector<std::string> reversed;  // as CLI11 wants them
  for (auto it = arguments.rbegin(); it != arguments.rend(); ++it) reversed.push_back(protect_argument(*it));
  try {
    tree.app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return Answer{ExitCode::kDone, tree.app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Answer{ExitCode::kDone, std::string(version.what()) + "\n"};
  } catch (const CallForDocument& document) {
    return Answer{ExitCode::kDone, document.wanted->write(read_command(tree.app, "pairloom"))};
  } catch (const CLI::ParseError& error) {
    return explain(tree.app, error);
  }
  if (tree.chosen.verb == nullptr) return help_answer(tree.app, tree.help_for);
  return tree.chosen;
}

std::string quoted_for_shell(const std::vector<std::string>& arguments) {
  static constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  std::string out;
  for (const auto& argument : arguments) {
    if (!out.empty()) out += ' ';
    if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) {
      out += argument;
      continue;
    }
    out += '\'';
    for (const char c : argument) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += '\'';
  }
  return out;
}

}  // namespace pairloom::cli
