// pairloom match: which images are like this one? By codes, out of the index; or by descriptors, looking at each image.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "cli/code_matching.h"
#include "cli/daemon_matching.h"
#include "cli/descriptor_matching.h"
#include "cli/find_daemon.h"
#include "cli/input_file.h"
#include "cli/invariance.h"
#include "cli/verb.h"

namespace pairloom::cli {
namespace {

struct MatchOptions {
  std::string image;
  CodeMatching codes;
  enum class Method { kCodes, kSift, kOrb } method = Method::kCodes;
  DescriptorMatching descriptors;
  std::string codes_option, descriptors_option;  // the last given of those that only one method has
};

constexpr const char* kCodesOptions = "What counts as a duplicate";

void note_options_of_one_method(CLI::App& app, MatchOptions& options) {
  for (CLI::Option* option : app.get_options()) {
    const bool codes = option->get_group() == kCodesOptions || option->check_lname("exclude-self") ||
                       option->check_lname("code");
    if (!codes && option->get_group() != kDescriptorOptions) continue;
    option->each([&options, codes, name = option->get_name()](const std::string&) {
      (codes ? options.codes_option : options.descriptors_option) = name;
    });
  }
}

Result<> check_method(const MatchOptions& options) {
  if (options.method != MatchOptions::Method::kCodes) {
    if (options.image.empty()) return fail(Errc::kInvalidArgument, "name the image whose keypoints are looked for");
    if (options.image == kStandardInput)
      return fail(Errc::kInvalidArgument, "--method sift and orb want a picture in a file, not standard input");
    if (options.codes_option.empty()) return {};
    return fail(Errc::kInvalidArgument,
                fmt::format("{} compares codes; leave it out, or --method", options.codes_option));
  }
  if (!options.descriptors_option.empty())
    return fail(Errc::kInvalidArgument,
                fmt::format("{} is about descriptors: add --method sift or orb", options.descriptors_option));
  return {};
}

// Whoever can read the index does; else the daemon that has it is asked.
Result<ExitCode> match_here_or_there(const CodeMatching& options, Session& session) {
  const bool unreadable = ::access(session.index.c_str(), R_OK) != 0 && errno == EACCES;
  if (!daemon_is_named(session) && !unreadable) return match_codes(options, session);
  PAIRLOOM_ASSIGN(const auto daemon, find_daemon(session));
  return daemon ? match_by_daemon(options, daemon->client, session) : match_codes(options, session);
}

}  // namespace

Action declare_match(CLI::App& app) {
  auto options = std::make_shared<MatchOptions>();
  using Method = MatchOptions::Method;
  add_text(app, "IMAGE", options->image, "", "Any image file, indexed or not; - is standard input");
  add_file_options(app, options->descriptors.files, "PATH",
                   "More images to look for; with --method sift or orb: images or directories to look at, instead of "
                   "the index's images");
  add_list(app, "--code", options->codes.codes, "HEX", "Look for this code, as index export --codes writes it; may be "
           "repeated")
      ->group("Which files");
  add_choice<Method>(app, "--method", options->method,
                     {{"codes", Method::kCodes}, {"sift", Method::kSift}, {"orb", Method::kOrb}}, "METHOD",
                     "codes: search the index. sift, orb: find the image's keypoints in each of the others");
  add_descriptor_options(app, options->descriptors);
  add_similarity_options(app, options->codes.similarity);
  add_invariant_option(app, options->codes.turns, "Also find mirrored and rotated copies; says which they are");
  add_count(app, "-k,--nearest", options->codes.nearest, 1, 1'000'000, "The N nearest, however far (or up to --distance)")
      ->group(kCodesOptions);
  app.add_flag("--exclude-self", options->codes.exclude_self, "Leave out the file itself (copies of it stay)")
      ->group("Output");
  add_output_option(
      app, options->codes.format,
      {OutputFormat::kHuman, OutputFormat::kFdupes, OutputFormat::kJsonl, OutputFormat::kCsv, OutputFormat::kNull});
  note_options_of_one_method(app, *options);
  return [options](Session& session) -> Result<ExitCode> {
    PAIRLOOM_TRY(check_method(*options));
    auto& descriptors = options->descriptors;
    if (options->method == Method::kCodes) {
      if (!options->image.empty()) options->codes.images.push_back(options->image);
      options->codes.more = descriptors.files;
      return match_here_or_there(options->codes, session);
    }
    descriptors.reference = options->image;
    descriptors.format = options->codes.format;
    descriptors.setup.method =
        options->method == Method::kSift ? jobs::DescriptorMethod::kSift : jobs::DescriptorMethod::kOrb;
    return match_descriptors(descriptors, session);
  };
}

}  // namespace pairloom::cli
