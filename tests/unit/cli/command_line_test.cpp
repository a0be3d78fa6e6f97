#include "cli/command_line.h"

#include <gtest/gtest.h>
#include <regex>

#include "base/version.h"

namespace pairloom::cli {
namespace {

std::variant<Invocation, Answer> parse(const std::vector<std::string>& words) {
  return parse_command_line(words);
}

Answer answer(const std::vector<std::string>& words) {
  const auto parsed = parse(words);
  EXPECT_TRUE(std::holds_alternative<Answer>(parsed)) << quoted_for_shell(words);
  return std::holds_alternative<Answer>(parsed) ? std::get<Answer>(parsed) : Answer{ExitCode::kFailed, ""};
}

std::string verb_of(const std::vector<std::string>& words) {
  const auto parsed = parse(words);
  if (const auto* said = std::get_if<Answer>(&parsed)) return "answer: " + said->text;
  return std::string(std::get<Invocation>(parsed).verb->name);
}

// The words of the first simple command that begins with `pairloom`, as a shell would split them; quotes are honoured.
std::vector<std::string> pairloom_words(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false, quoted = false, take = false;
  const auto end_word = [&] {
    if (in_word && take) words.push_back(word);
    if (in_word && word == "pairloom") take = true;
    word.clear();
    in_word = false;
  };
  for (const char c : command) {
    if (c == '\'')
      quoted = !quoted, in_word = true;
    else if (!quoted && c == ' ')
      end_word();
    else if (!quoted && (c == '|' || c == '>' || c == '&')) {
      end_word();
      if (take) return words;
    } else
      word += c, in_word = true;
  }
  end_word();
  return words;
}

TEST(CommandLine, EveryExampleParsesToItsVerb) {
  for (const auto& example : main_examples())
    EXPECT_FALSE(verb_of(pairloom_words(example.command)).starts_with("answer")) << example.command;
  for (const auto& verb : verbs()) {
    EXPECT_FALSE(verb.examples.empty()) << verb.name;
    for (const auto& example : verb.examples)
      EXPECT_EQ(verb_of(pairloom_words(example.command)), verb.name) << example.command;
  }
}

TEST(CommandLine, EveryVerbHasHelpWithExamplesFirst) {
  for (const auto& verb : verbs()) {
    std::vector<std::string> words;
    const std::string name(verb.name);
    if (const size_t space = name.find(' '); space != std::string::npos) words.push_back(name.substr(0, space));
    words.push_back(name.substr(name.find(' ') + 1));
    words.push_back("--help");
    const auto said = answer(words);
    EXPECT_EQ(said.code, ExitCode::kDone);
    EXPECT_TRUE(said.text.starts_with("pairloom " + name + ": " + std::string(verb.what) + "\n")) << said.text;
    const size_t examples = said.text.find("\nExamples:\n"), options = said.text.find("\nGlobal options:\n");
    EXPECT_NE(options, std::string::npos) << name;
    EXPECT_LT(examples, options) << name;
    words.pop_back();
    words.insert(words.begin(), "help");
    EXPECT_EQ(answer(words).text, said.text);
  }
}

TEST(CommandLine, EveryOptionIsDescribed) {
  for (const auto& verb : verbs()) {
    CLI::App app;
    const auto action = verb.declare(app);
    for (const auto* option : app.get_options())
      EXPECT_GE(option->get_description().size(), 8u) << verb.name << " " << option->get_name();
  }
}

TEST(CommandLine, HelpListsEveryVerb) {
  const auto said = answer({"--help"});
  EXPECT_EQ(said.code, ExitCode::kDone);
  for (const auto& verb : verbs())
    EXPECT_NE(said.text.find("  " + std::string(verb.name) + " "), std::string::npos) << verb.name;
  EXPECT_EQ(answer({"-h"}).text, said.text);
}

TEST(CommandLine, HelpFitsEightyColumns) {
  for (const auto& verb : verbs()) {
    std::vector<std::string> words{"help"};
    std::istringstream names{std::string(verb.name)};
    for (std::string word; names >> word;) words.push_back(word);
    std::istringstream lines(answer(words).text);
    bool examples = false;
    for (std::string line; std::getline(lines, line);) {
      if (line == "Examples:") examples = true;
      if (line.empty()) examples = false;
      if (!examples) {
        EXPECT_LE(line.size(), 80u) << line;
      }
    }
  }
}

TEST(CommandLine, VersionIsOneLine) {
  EXPECT_EQ(answer({"--version"}).text, "pairloom " + std::string(kVersion) + "\n");
  EXPECT_EQ(answer({"--version"}).code, ExitCode::kDone);
}

TEST(CommandLine, WrongWordsGetTheRightOnes) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"dusp"}, "pairloom: there is no verb 'dusp'; did you mean 'dups'?\nhint: pairloom --help\n"},
      {{"index", "ad"}, "pairloom: there is no verb 'ad'; did you mean 'add'?\nhint: pairloom index --help\n"},
      {{"dups", "--presett", "same"},
       "pairloom: unknown option '--presett'; did you mean '--preset'?\nhint: pairloom dups --help\n"},
      {{"dups", "--presett=same"},
       "pairloom: unknown option '--presett'; did you mean '--preset'?\nhint: pairloom dups --help\n"},
      {{"dups", "--preset", "simlar"},
       "pairloom: --preset: unknown word 'simlar'; did you mean 'similar'?\nhint: pairloom dups --help\n"},
      {{"cmp", "a", "b", "c"}, "pairloom: one argument too many: 'c'\nhint: pairloom cmp --help\n"},
      {{"dups", "--distance", "x"},
       "pairloom: --distance: 'x' is not a whole number from 0 to 128\nhint: pairloom dups --help\n"},
      {{"help", "dusp"}, "pairloom: there is no verb 'dusp'; did you mean 'dups'?\nhint: pairloom --help\n"},
  };
  for (const auto& [words, text] : cases) {
    const auto said = answer(words);
    EXPECT_EQ(said.code, ExitCode::kUsage);
    EXPECT_EQ(said.text, text);
  }
}

TEST(CommandLine, UsageErrorsAreOneLineAndAHint) {
  const std::vector<std::vector<std::string>> wrong = {{"cmp", "a"},
                                                       {"--nonsense", "dups"},
                                                       {"dups", "-Z"},
                                                       {"-j", "0", "dups"},
                                                       {"dups", "--distance", "3", "--preset", "same"},
                                                       {"scan", "--max-file-size", "big", "d"},
                                                       {"scan", "--features", "nope", "d"}};
  for (const auto& words : wrong) {
    const auto said = answer(words);
    EXPECT_EQ(said.code, ExitCode::kUsage) << quoted_for_shell(words);
    EXPECT_TRUE(std::regex_match(said.text, std::regex("pairloom: [^\n]+\nhint: pairloom[^\n]* --help\n")))
        << said.text;
  }
}

TEST(CommandLine, WithoutAVerbItSaysWhichThereAre) {
  EXPECT_EQ(answer({}).code, ExitCode::kUsage);
  EXPECT_NE(answer({}).text.find("  scan "), std::string::npos);
  EXPECT_EQ(answer({"index"}).code, ExitCode::kUsage);
}

TEST(CommandLine, GlobalOptionsStandBeforeOrAfterTheVerb) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"-i", "x.db", "-j3", "dups"},
                                                                 {"dups", "-i", "x.db", "-j", "3"},
                                                                 {"--index=x.db", "dups", "--jobs=3"},
                                                                 {"-i", "y.db", "dups", "-i", "x.db", "-j3"}}) {
    const auto parsed = parse(words);
    ASSERT_TRUE(std::holds_alternative<Invocation>(parsed)) << quoted_for_shell(words);
    EXPECT_EQ(std::get<Invocation>(parsed).globals->index, "x.db");
    EXPECT_EQ(std::get<Invocation>(parsed).globals->jobs, 3u);
  }
  EXPECT_EQ(verb_of({"index", "-i", "x.db", "info"}), "index info");
}

TEST(CommandLine, DirectoriesMayBeNamedLikeVerbs) {
  EXPECT_EQ(verb_of({"scan", "index"}), "scan");
  EXPECT_EQ(verb_of({"scan", "scan", "dups", "status"}), "scan");
  EXPECT_EQ(verb_of({"index", "add", "index", "add"}), "index add");
  EXPECT_EQ(verb_of({"cmp", "cmp", "help"}), "cmp");
}

TEST(CommandLine, ArgumentsKeepTheirBytes) {
  // `--` ends the options, so every name goes through; what arrives is seen through a verb of our own.
  for (const std::string name : {"[Scans]", "[a,b]", "{}", "-dash", "--", "++", "\x01", "[", "a b", "\xff", ""}) {
    CLI::App app;
    std::vector<std::string> paths, globs;
    add_paths(app, "PATH", paths, "Paths to look at");
    add_list(app, "--glob", globs, "GLOB", "Patterns to look for");
    std::vector<std::string> reversed{protect_argument(name), protect_argument("first"), "--", protect_argument("[x]"),
                                      "--glob"};
    app.parse(std::move(reversed));
    EXPECT_EQ(paths, (std::vector<std::string>{"first", name}));
    EXPECT_EQ(globs, (std::vector<std::string>{"[x]"}));
  }
}

TEST(CommandLine, ListOptionsTakeOneValueEach) {
  EXPECT_EQ(verb_of({"scan", "--exclude", "*.gif", "--exclude", "*.png", "dir"}), "scan");
  EXPECT_EQ(answer({"cmp", "--preset", "same", "a"}).code, ExitCode::kUsage);
}

TEST(CommandLine, QuotingForTheShell) {
  EXPECT_EQ(quoted_for_shell({"scan", "a b", "it's", "", "/x-1.jpg", "$HOME"}),
            "scan 'a b' 'it'\\''s' '' /x-1.jpg '$HOME'");
}

}  // namespace
}  // namespace pairloom::cli
