#include "cli/options.h"

#include <fmt/format.h>
#include <charconv>

#include "base/quantity.h"
#include "base/suggest.h"
#include "base/text.h"

namespace pairloom::cli {
namespace {

constexpr char kMark = '\x01';
constexpr const char* kWords = "words";

[[noreturn]] void reject(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

std::string long_name(const std::string& names) {
  return names.substr(names.rfind(',') + 1);
}

CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& type, const std::string& about,
                       std::function<void(const std::string&)> take) {
  auto* option = app.add_option(
      names,
      [take = std::move(take)](const CLI::results_t& values) {
        take(unprotect_argument(values.back()));
        return true;
      },
      about);
  return option->type_name(type)->take_last();
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

std::string protect_argument(std::string_view argument) {
  const bool must = !argument.empty() && (argument.front() == '[' || argument.front() == kMark);
  return (must ? std::string(1, kMark) : std::string()) + std::string(argument);
}

std::string unprotect_argument(std::string_view argument) {
  if (!argument.empty() && argument.front() == kMark) argument.remove_prefix(1);
  return std::string(argument);
}

CLI::Option* add_text(CLI::App& app, const std::string& names, std::string& into, const std::string& type,
                      const std::string& about) {
  return add_value(app, names, type, about, [&into](const std::string& value) { into = value; });
}

CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& into, const std::string& type,
                      const std::string& about) {
  auto* option = app.add_option(
      names,
      [&into](const CLI::results_t& values) {
        for (const auto& value : values) into.push_back(unprotect_argument(value));
        return true;
      },
      about);
  return option->type_name(type)
      ->expected(1, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false)
      ->take_all();
}

CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& into, const std::string& about) {
  return add_text(app, name, into, "", about)->required();
}

CLI::Option* add_paths(CLI::App& app, const std::string& name, std::vector<std::string>& into,
                       const std::string& about) {
  return add_list(app, name, into, "", about)->allow_extra_args(true);
}

CLI::Option* add_count(CLI::App& app, const std::string& names, std::optional<uint32_t>& into, uint32_t min,
                       uint32_t max, const std::string& about) {
  return add_value(app, names, "N", about, [&into, min, max, name = long_name(names)](const std::string& text) {
    uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end || value < min || value > max)
      reject(name, fmt::format("'{}' is not a whole number from {} to {}", escape_for_terminal(text), min, max));
    into = value;
  });
}

CLI::Option* add_size(CLI::App& app, const std::string& names, uint64_t& into, const std::string& about) {
  return add_value(app, names, "SIZE", about, [&into, name = long_name(names)](const std::string& text) {
    const auto size = parse_size(text);
    if (!size) reject(name, size.error().message);
    into = *size;
  });
}

CLI::Option* add_number(CLI::App& app, const std::string& names, double& into, double max, const std::string& type,
                        const std::string& about) {
  return add_value(app, names, type, about, [&into, max, name = long_name(names)](const std::string& text) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end || !(value > 0) || value > max)
      reject(name, fmt::format("'{}' is not a number above 0 and up to {:g}", escape_for_terminal(text), max));
    into = value;
  });
}

namespace {

double parse_amount(const std::string& name, const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || !(value >= 0) || !std::isfinite(value))
    reject(name, fmt::format("'{}' is not a number of 0 or more", escape_for_terminal(text)));
  return value;
}

}  // namespace

CLI::Option* add_amount(CLI::App& app, const std::string& names, double& into, const std::string& type,
                        const std::string& about) {
  const auto take = [&into, name = long_name(names)](const std::string& text) { into = parse_amount(name, text); };
  return add_value(app, names, type, about, take)->default_str(fmt::format("{:g}", into));
}
CLI::Option* add_amount(CLI::App& app, const std::string& names, std::optional<double>& into, const std::string& type,
                        const std::string& about) {
  return add_value(app, names, type, about,
                   [&into, name = long_name(names)](const std::string& text) { into = parse_amount(name, text); });
}

CLI::Option* add_seconds(CLI::App& app, const std::string& names, double& into, const std::string& about) {
  auto* option = add_value(app, names, "S", about, [&into, name = long_name(names)](const std::string& text) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end || !(value > 0) || value > 86'400)
      reject(name, fmt::format("'{}' is not a number of seconds above 0", escape_for_terminal(text)));
    into = value;
  });
  return option->default_str(fmt::format("{:g}", into));
}

CLI::Option* add_words(CLI::App& app, const std::string& names, const std::vector<std::string>& words,
                       const std::string& type, const std::string& default_word, const std::string& about,
                       std::function<void(size_t)> chosen) {
  auto* option = add_value(
      app, names, type, about + " (" + joined(words) + ")",
      [words, chosen = std::move(chosen), name = long_name(names)](const std::string& text) {
        for (size_t i = 0; i < words.size(); ++i)
          if (words[i] == text) return chosen(i);
        const std::string meant = nearest(text, words);
        reject(name, meant.empty()
                         ? fmt::format("'{}' is none of {}", escape_for_terminal(text), joined(words))
                         : fmt::format("unknown word '{}'; did you mean '{}'?", escape_for_terminal(text), meant));
      });
  // With an option CLI11 keeps nothing of ours but validators: an inactive one, which neither checks nor shows.
  option->check(CLI::Validator(joined(words)).active(false), kWords);
  return option->default_str(default_word);
}

std::vector<std::string> words_of(CLI::Option& option) {
  try {
    const auto& validator = *option.get_validator(kWords);
    return CLI::detail::split(validator.active(true).get_description(), ',');
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
}

void add_global_options(CLI::App& app, GlobalOptions& globals) {
  const char* group = kGlobalGroup;
  add_text(
      app, "-i,--index", globals.index, "FILE",
      "The index; default $PAIRLOOM_INDEX, else $XDG_DATA_HOME/pairloom/index.db (~/.local/share/pairloom/index.db)")
      ->group(group);
  add_text(app, "--socket", globals.socket, "PATH",
           "Ask the daemon at this socket; none: ask none. Default $PAIRLOOM_SOCKET, else the daemon that has the index")
      ->group(group);
  add_count(app, "-j,--jobs", globals.jobs, 1, 1024,
            "Worker processes; default: one for every physical core this process may use")
      ->group(group);
  add_size(app, "--worker-memory", globals.worker_memory_bytes,
           "Memory a worker may use; a picture that needs more is too large. Default: an equal share of three quarters "
           "of the machine's, 1 to 4 GiB")
      ->default_str("")
      ->group(group);
  app.add_flag("--require-sandbox", globals.require_sandbox,
               "Refuse to look at files when the workers cannot be contained completely (see: pairloom doctor)")
      ->group(group);
  app.add_flag("-q,--quiet", globals.quiet, "Say nothing on standard error but errors")->group(group);
  app.add_flag("-v,--verbose", globals.verbose, "Say more on standard error: every unreadable file")->group(group);
  add_choice<ColorMode>(app, "--color", globals.color,
                        {{"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}},
                        "WHEN", "Colours; auto: on a terminal, unless NO_COLOR is set")
      ->group(group);
  add_choice<ProgressMode>(
      app, "--progress", globals.progress,
      {{"auto", ProgressMode::kAuto}, {"none", ProgressMode::kNone}, {"plain", ProgressMode::kPlain}}, "HOW",
      "Progress on standard error; auto: a bar on a terminal, else nothing; plain: a line every 10 s")
      ->group(group);
}

std::string_view name_of(OutputFormat format) {
  static constexpr std::string_view kNames[] = {"human", "fdupes", "jsonl", "csv", "null"};
  return kNames[static_cast<size_t>(format)];
}

void add_output_option(CLI::App& app, OutputFormat& into, const std::vector<OutputFormat>& formats) {
  std::vector<std::pair<std::string, OutputFormat>> choices;
  for (const auto format : formats) choices.emplace_back(name_of(format), format);
  add_choice<OutputFormat>(app, "-o,--output", into, std::move(choices), "FORMAT", "Format of the results")
      ->group("Output");
}

std::string_view name_of(Preset preset) {
  static constexpr std::string_view kNames[] = {"exact", "same", "similar", "related"};
  return kNames[static_cast<size_t>(preset)];
}

uint32_t preset_distance(Preset preset, const AlgorithmInfo& algorithm) {
  switch (preset) {
    case Preset::kExact:
      return 0;
    case Preset::kSame:
      return algorithm.same;
    case Preset::kSimilar:
      return algorithm.similar;
    case Preset::kRelated:
      return algorithm.related;
  }
  return 0;
}

Result<std::optional<uint32_t>> Similarity::limit() const {
  if (exact_only || (preset == Preset::kExact && !distance)) return std::nullopt;
  const auto& about = info(algorithm);
  if (!distance) return preset_distance(preset, about);
  // Half of all bits is what unrelated pictures have; a search beyond it returns everything.
  if (*distance > about.bits / 2u)
    return fail(Errc::kInvalidArgument,
                fmt::format("--distance {} is too large: {} codes have {} bits, and unrelated pictures differ in {}",
                            *distance, about.name, about.bits, about.bits / 2));
  return distance;
}

CLI::Option* add_algorithm_option(CLI::App& app, Similarity& into, const std::string& about) {
  std::vector<std::string> names;
  for (const auto& a : algorithms()) names.emplace_back(a.name);
  return add_words(app, "--algorithm", names, "NAME", std::string(info(into.algorithm).name), about,
                   [&into](size_t i) { into.algorithm = algorithms()[i].id, into.algorithm_given = true; });
}

CLI::Option* add_memory_option(CLI::App& app, uint64_t& into) {
  return add_size(app, "--mem-limit", into, "Memory for sorting codes when pairs are searched, in all")->default_str("1Gi");
}

void add_similarity_options(CLI::App& app, Similarity& into) {
  const char* group = "What counts as a duplicate";
  const auto& pdq = info(Algorithm::kPdq);
  auto* preset =
      add_choice<Preset>(
          app, "--preset", into.preset,
          {{"exact", Preset::kExact},
           {"same", Preset::kSame},
           {"similar", Preset::kSimilar},
           {"related", Preset::kRelated}},
          "NAME",
          fmt::format(
              "How near is near; for pdq: exact = identical files, same <= {}, similar <= {}, related <= {} bits of {}",
              pdq.same, pdq.similar, pdq.related, pdq.bits))
          ->group(group);
  auto* distance =
      add_count(app, "--distance", into.distance, 0, 128, "The same as a number: bits of the codes that may differ")
          ->group(group);
  auto* exact = app.add_flag("--exact-only", into.exact_only, "Only byte-identical files; short for --preset exact")
                    ->group(group);
  distance->excludes(preset)->excludes(exact);
  exact->excludes(preset);
  add_algorithm_option(app, into, "Which code is compared")->group(group);
}

}  // namespace pairloom::cli
