#include "cli/daemon_matching.h"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cli/input_file.h"
#include "cli/match_formats.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

Match match_from_json(const Json& record) {
  Match match;
  std::string word, format;
  if (const auto path = record.find("path"); path != record.end())
    match.file.path = pairloom::path_from_json(*path);
  take_field(record, "match", word);
  take_field(record, "dist", match.distance);
  take_field(record, "w", match.image.width_px);
  take_field(record, "h", match.image.height_px);
  take_field(record, "bytes", match.file.identity.size_bytes);
  take_field(record, "format", format);
  match.identical = word == "exact";
  for (uint8_t i = 0; i < kImageFormatCount; ++i)
    if (name_of(static_cast<ImageFormat>(i)) == format) match.image.format = static_cast<ImageFormat>(i);
  return match;
}

// What the daemon answers to one query.
struct RemoteAnswer {
  MatchQuery query;
  std::vector<Match> matches;
  uint32_t exit_code = static_cast<uint32_t>(ExitCode::kFailed);
  std::string said;

  Result<> take(const Json& record, Algorithm algorithm) {
    std::string type, code;
    take_field(record, "type", type);
    if (type == "match") matches.push_back(match_from_json(record));
    if (type == "header") {
      take_field(record, "low_information", query.image.low_information);
      take_field(record, "code", code);
      query.image.code = code_from_hex(code, info(algorithm).bits).value_or(Code{});
    }
    if (type != "end") return {};
    take_field(record, "exit_code", exit_code);
    if (const auto words = record.find("said"); words != record.end()) said = pairloom::path_from_json(*words);
    return {};
  }
};

Json arguments_of(const CodeMatching& options) {
  const Similarity& similarity = options.similarity;
  Json arguments = {{"algorithm", info(similarity.algorithm).name}};
  if (similarity.distance)
    arguments["distance"] = *similarity.distance;
  else
    arguments["preset"] = name_of(similarity.exact_only ? Preset::kExact : similarity.preset);
  // One more, as the picture itself is left out here: the daemon does not know its name.
  if (options.nearest) arguments["nearest"] = *options.nearest + (options.exclude_self ? 1 : 0);
  return arguments;
}

class RemoteMatcher {
 public:
  RemoteMatcher(const CodeMatching& options, const DaemonClient& client, bool many, Session& session)
      : options_(options),
        client_(client),
        session_(session),
        writer_(options.format, many, options.similarity.algorithm, session),
        many_(many) {
    writer_.begin();
  }

  Result<> answer_code(const std::string& code) {
    DaemonRequest request{"POST", "/v1/match", arguments_of(options_)};
    request.arguments["code"] = code;
    RemoteAnswer answer;
    answer.query.shown_as = code;
    return ask(request, std::move(answer));
  }

  Result<> answer_image(const std::string& shown) {
    const bool from_input = shown == kStandardInput;
    RemoteAnswer answer;
    answer.query.shown_as = shown;
    answer.query.image.path = from_input ? shown : canonical_path(shown);
    const auto picture = from_input ? read_standard_input() : read_picture(shown);
    if (!picture) {
      unusable_ = true;
      writer_.unusable(answer.query.image.path, picture.error());
      return {};
    }
    return ask({"POST", "/v1/match", arguments_of(options_), &*picture}, std::move(answer));
  }

  ExitCode exit_code() const {
    if (unusable_) return ExitCode::kUnreadable;
    return found_ ? ExitCode::kDone : ExitCode::kNegative;
  }

 private:
  Result<> ask(const DaemonRequest& request, RemoteAnswer answer) {
    PAIRLOOM_TRY(client_.ask(
        request, [&](const Json& record) { return answer.take(record, options_.similarity.algorithm); }));
    const MatchQuery& query = answer.query;
    if (answer.exit_code > static_cast<uint32_t>(ExitCode::kNegative)) return refused(answer);
    if (query.image.low_information)
      session_.messages.warning(fmt::format("'{}' is flat or nearly so: what is found may be like it by chance",
                                            escape_for_terminal(query.shown_as)));
    auto& matches = answer.matches;
    if (options_.exclude_self)
      std::erase_if(matches, [&](const Match& match) { return match.file.path == query.image.path; });
    if (options_.nearest && matches.size() > *options_.nearest) matches.resize(*options_.nearest);
    found_ = found_ || !matches.empty();
    writer_.answer(query, matches);
    if (options_.format == OutputFormat::kHuman && matches.empty() && !many_) session_.messages.note("no match");
    return {};
  }

  // A picture that cannot be used is the picture's fault; anything else ends it all.
  Result<> refused(RemoteAnswer& answer) {
    std::string& said = answer.said;
    if (said.starts_with("pairloom: ")) said.erase(0, 10);
    constexpr std::string_view kItsName = "standard input";
    if (const size_t at = said.find(kItsName); at != std::string::npos && answer.query.shown_as != kStandardInput)
      said.replace(at, kItsName.size(), "'" + escape_for_terminal(answer.query.shown_as) + "'");
    if (said.empty()) said = "the daemon could not look for it";
    if (answer.exit_code != static_cast<uint32_t>(ExitCode::kUnreadable))
      return fail(answer.exit_code == static_cast<uint32_t>(ExitCode::kIndex)   ? Errc::kIndexMissing
                  : answer.exit_code == static_cast<uint32_t>(ExitCode::kUsage) ? Errc::kInvalidArgument
                                                                                : Errc::kIo,
                  said);
    unusable_ = true;
    writer_.unusable(answer.query.image.path, {Errc::kCorrupt, said});
    return {};
  }

  const CodeMatching& options_;
  const DaemonClient& client_;
  Session& session_;
  MatchWriter writer_;
  bool many_, found_ = false, unusable_ = false;
};

}  // namespace

Result<ExitCode> match_by_daemon(const CodeMatching& options, const DaemonClient& client, Session& session) {
  PAIRLOOM_TRY(options.similarity.limit());
  if (!options.turns.empty() || !options.more.files_from.empty())
    return fail(Errc::kInvalidArgument, "--invariant and --files-from want the index itself; a daemon takes pictures");
  std::vector<std::string> images = options.images;
  images.insert(images.end(), options.more.roots.begin(), options.more.roots.end());
  if (images.empty() && options.codes.empty())
    return fail(Errc::kInvalidArgument, "nothing to look for: name an image, or a --code");
  RemoteMatcher matcher(options, client, images.size() + options.codes.size() > 1, session);
  for (const std::string& code : options.codes) PAIRLOOM_TRY(matcher.answer_code(code));
  for (const std::string& image : images) PAIRLOOM_TRY(matcher.answer_image(image));
  return matcher.exit_code();
}

}  // namespace pairloom::cli
