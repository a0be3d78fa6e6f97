// How verbs declare their options: thin layer over CLI11 that gives every option a complete description (help, man page
// and completions come from it), suggests what was meant, and keeps arguments byte by byte. Also the option families
// that several verbs share. Runs in: cli.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/algorithm.h"
#include "base/result.h"
#include "cli/session.h"

namespace pairloom::cli {

// CLI11 2.1 takes an argument "[a,b]" of a list apart at its commas, so a directory "[Scans]" would lose its brackets.
// Arguments that look like that are marked before parsing; the add_* functions below take the mark off.
std::string protect_argument(std::string_view argument);
std::string unprotect_argument(std::string_view argument);

// --- one option each; `names` as CLI11 spells them: "-i,--index". An option given twice counts as given last.
CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& into, const std::string& type,
                      const std::string& about);
CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& into, const std::string& type,
                      const std::string& about);  // may be given again and again, one value each
CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& into,
                      const std::string& about);  // positional, required
CLI::Option* add_paths(CLI::App& app, const std::string& name, std::vector<std::string>& into,
                       const std::string& about);  // positional, any number
CLI::Option* add_count(CLI::App& app, const std::string& names, std::optional<uint32_t>& into, uint32_t min,
                       uint32_t max, const std::string& about);
// More than 0 and at most `max`.
CLI::Option* add_number(CLI::App& app, const std::string& names, double& into, double max, const std::string& type,
                        const std::string& about);
// 0 or more; the first form shows the present value as the default.
CLI::Option* add_amount(CLI::App& app, const std::string& names, double& into, const std::string& type,
                        const std::string& about);
CLI::Option* add_amount(CLI::App& app, const std::string& names, std::optional<double>& into, const std::string& type,
                        const std::string& about);
CLI::Option* add_size(CLI::App& app, const std::string& names, uint64_t& into, const std::string& about);
CLI::Option* add_seconds(CLI::App& app, const std::string& names, double& into, const std::string& about);

// An option whose values are words; the first that equals the variable's present value is shown as the default.
CLI::Option* add_words(CLI::App& app, const std::string& names, const std::vector<std::string>& words,
                       const std::string& type, const std::string& default_word, const std::string& about,
                       std::function<void(size_t)> chosen);
template <class Enum>
CLI::Option* add_choice(CLI::App& app, const std::string& names, Enum& into,
                        std::vector<std::pair<std::string, Enum>> choices, const std::string& type,
                        const std::string& about) {
  std::vector<std::string> words;
  std::string default_word;
  for (const auto& [word, value] : choices) {
    words.push_back(word);
    if (value == into && default_word.empty()) default_word = word;
  }
  return add_words(app, names, words, type, default_word, about,
                   [&into, choices = std::move(choices)](size_t i) { into = choices[i].second; });
}

// The words that add_words() or add_choice() gave an option; none for any other.
std::vector<std::string> words_of(CLI::Option& option);

// --- families
inline constexpr const char* kGlobalGroup = "Global options";  // heading of those that every verb has
void add_global_options(CLI::App& app, GlobalOptions& globals);

enum class OutputFormat { kHuman, kFdupes, kJsonl, kCsv, kNull };
std::string_view name_of(OutputFormat format);
// -o/--output with those of the formats the verb has.
void add_output_option(CLI::App& app, OutputFormat& into, const std::vector<OutputFormat>& formats);

// How near is near: a preset or a number, for an algorithm.
enum class Preset { kExact, kSame, kSimilar, kRelated };
std::string_view name_of(Preset preset);
struct Similarity {
  Algorithm algorithm = Algorithm::kPdq;
  bool algorithm_given = false;
  Preset preset = Preset::kSimilar;
  bool exact_only = false;
  std::optional<uint32_t> distance;

  // The largest distance in bits that counts; empty = only byte-identical files. kInvalidArgument beyond the code's
  // bits.
  Result<std::optional<uint32_t>> limit() const;
};
void add_similarity_options(CLI::App& app, Similarity& into);
CLI::Option* add_algorithm_option(CLI::App& app, Similarity& into, const std::string& about);  // alone
CLI::Option* add_memory_option(CLI::App& app, uint64_t& into);  // --mem-limit, of pairing
uint32_t preset_distance(Preset preset, const AlgorithmInfo& algorithm);  // kExact: 0

}  // namespace pairloom::cli
