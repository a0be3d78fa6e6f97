// pairloom match: which images are like this one? By codes, out of the index; or by descriptors, looking at each image.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "base/version.h"
#include "cli/descriptor_matching.h"
#include "cli/find_daemon.h"
#include "cli/image_codes.h"
#include "cli/input_file.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "index/index_reader.h"
#include "search/hamming_scan.h"

namespace pairloom::cli {
namespace {

struct MatchOptions {
  std::string image;
  Similarity similarity;
  std::optional<uint32_t> nearest;  // -k
  bool exclude_self = false;
  OutputFormat format = OutputFormat::kHuman;
  enum class Method { kCodes, kSift, kOrb } method = Method::kCodes;
  DescriptorMatching descriptors;
  std::string codes_option, descriptors_option;  // the last given of those that only one method has
};

struct Match {
  index::FileRow file;
  ImageInfo image;
  uint32_t distance = 0;
  bool identical = false;
};

bool unchanged(const StatIdentity& known, const struct stat& now) {
  const auto ns = [](const timespec& t) { return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec; };
  return known.inode == now.st_ino && known.size_bytes == static_cast<uint64_t>(now.st_size) &&
         known.mtime_ns == ns(now.st_mtim) && known.ctime_ns == ns(now.st_ctim);
}

// The query's code out of the index, if the file is there as it is now.
Result<std::optional<ImageCode>> known_code(index::IndexReader& reader, const std::string& path, Algorithm algorithm) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return std::nullopt;
  PAIRLOOM_ASSIGN(const auto file, reader.find_file(path));
  if (!file || file->content == 0 || !unchanged(file->identity, now)) return std::nullopt;
  PAIRLOOM_ASSIGN(const auto content, reader.content(file->content));
  PAIRLOOM_ASSIGN(const auto code, reader.code(file->content, algorithm));
  if (!content || !code) return std::nullopt;
  return ImageCode{path,           content->digest, content->size_bytes,
                   content->image, *code,           is_low_information(content->image, algorithm)};
}

// Hits with a live file, nearest first. Codes of gone contents are still in the code file: ask for more until enough
// live.
Result<std::vector<Match>> search_index(const MatchOptions& options, const ImageCode& query,
                                        index::IndexReader& reader) {
  PAIRLOOM_ASSIGN(const auto limit, options.similarity.limit());
  PAIRLOOM_ASSIGN(const auto same_content, reader.content_by_digest(query.digest, query.size_bytes));
  PAIRLOOM_ASSIGN(const auto codes, reader.codes(options.similarity.algorithm));
  search::ScanOptions scan;
  scan.include_low_information = query.low_information;

  const auto matches_of = [&](const std::vector<search::Hit>& hits) -> Result<std::vector<Match>> {
    std::vector<search::Hit> all;
    if (same_content) all.push_back({0, *same_content, 0});  // also when the index has no code of it
    for (const auto& hit : hits)
      if (!same_content || hit.content_id != *same_content) all.push_back(hit);
    std::vector<Match> matches;
    for (const auto& hit : all) {
      PAIRLOOM_ASSIGN(const auto content, reader.content(hit.content_id));
      PAIRLOOM_ASSIGN(auto files, reader.files_of(hit.content_id));
      for (auto& file : files) {
        if (!content || (options.exclude_self && file.path == query.path)) continue;
        matches.push_back(
            {std::move(file), content->image, hit.distance, same_content && hit.content_id == *same_content});
      }
    }
    return matches;
  };

  if (!options.nearest)
    return matches_of(limit ? search::find_within(codes, query.code, static_cast<int>(*limit), scan)
                            : std::vector<search::Hit>());
  for (size_t ask = *options.nearest + size_t{16};; ask *= 4) {
    auto hits = search::find_nearest(codes, query.code, ask, scan);
    const bool all = hits.size() < ask;
    if (options.similarity.distance)
      std::erase_if(hits, [&](const auto& hit) { return hit.distance > *options.similarity.distance; });
    PAIRLOOM_ASSIGN(auto matches, matches_of(hits));
    if (matches.size() < *options.nearest && !all && hits.size() == ask) continue;
    if (matches.size() > *options.nearest) matches.resize(*options.nearest);
    return matches;
  }
}

std::string_view match_word(const Match& match) {
  return match.identical ? "exact" : "near";
}

void print(const std::vector<Match>& matches, OutputFormat format, Session& session) {
  auto& out = session.out;
  if (format == OutputFormat::kCsv)
    out.write(csv_row({"match", "distance", "width", "height", "format", "bytes", "path", "path_encoding"}));
  for (const auto& m : matches) {
    const auto& path = m.file.path;
    if (format == OutputFormat::kFdupes) out.write(line_path(path) + "\n");
    if (format == OutputFormat::kNull) out.write(path + '\0');
    if (format == OutputFormat::kCsv) {
      const auto column = csv_path(path);
      out.write(csv_row({match_word(m), std::to_string(m.distance), std::to_string(m.image.width_px),
                         std::to_string(m.image.height_px), name_of(m.image.format),
                         std::to_string(m.file.identity.size_bytes), column.path, column.encoding}));
    }
    if (format == OutputFormat::kJsonl)
      out.write(json_line({{"type", "match"},
                           {"path", json_path(path)},
                           {"match", match_word(m)},
                           {"dist", m.distance},
                           {"w", m.image.width_px},
                           {"h", m.image.height_px},
                           {"format", name_of(m.image.format)},
                           {"bytes", m.file.identity.size_bytes}}));
    if (format == OutputFormat::kHuman) {
      const std::string mark = m.identical ? session.out_style.cyan("= exact") : session.out_style.yellow("~ near ");
      out.write(fmt::format("{} {:>3}  {:>9}  {:<4}  {:>6}  {}\n", mark, m.distance,
                            fmt::format("{}x{}", m.image.width_px, m.image.height_px), name_of(m.image.format),
                            human_bytes(m.file.identity.size_bytes), escape_for_terminal(path)));
    }
  }
}

ExitCode report(const MatchOptions& options, const std::string& path, bool low_information,
                const std::vector<Match>& matches, Session& session) {
  const auto& algorithm = info(options.similarity.algorithm);
  if (low_information)
    session.messages.warning(fmt::format("'{}' is flat or nearly so: what is found may be like it by chance",
                                         escape_for_terminal(options.image)));
  if (options.format == OutputFormat::kJsonl)
    session.out.write(json_line({{"type", "header"},
                                 {"schema", "pairloom.match/1"},
                                 {"version", kVersion},
                                 {"query", json_path(path)},
                                 {"algorithm", algorithm.name},
                                 {"bits", algorithm.bits},
                                 {"low_information", low_information}}));
  print(matches, options.format, session);
  if (options.format == OutputFormat::kHuman && matches.empty()) session.messages.note("no match");
  return matches.empty() ? ExitCode::kNegative : ExitCode::kDone;
}

// The code of the picture on standard input. It goes through a file that only lives meanwhile: workers get files.
Result<ImageCode> code_of_input(Algorithm algorithm, const Session& session) {
  PAIRLOOM_ASSIGN(const auto file, InputFile::from_standard_input());
  auto extracted = extract_codes({file.path()}, algorithm, session);
  if (!extracted) {
    Error error = extracted.error();
    if (const size_t at = error.message.find(file.path()); at != std::string::npos)
      error.message.replace(at, file.path().size(), "standard input");
    return tl::unexpected<Error>(std::move(error));
  }
  extracted->front().path = kStandardInput;
  return std::move(extracted->front());
}

Result<ExitCode> match_here(const MatchOptions& options, Session& session) {
  const auto algorithm = options.similarity.algorithm;
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  std::optional<ImageCode> query;
  if (options.image == kStandardInput) {
    PAIRLOOM_ASSIGN(query, code_of_input(algorithm, session));
  } else {
    const std::string path = canonical_path(options.image);
    PAIRLOOM_ASSIGN(query, known_code(reader, path, algorithm));
    if (!query) {
      PAIRLOOM_ASSIGN(auto extracted, extract_codes({path}, algorithm, session));
      query = std::move(extracted.front());
    }
  }
  PAIRLOOM_ASSIGN(const auto matches, search_index(options, *query, reader));
  return report(options, query->path, query->low_information, matches, session);
}

Match match_from_json(const Json& record) {
  Match match;
  std::string word, format;
  if (const auto path = record.find("path"); path != record.end()) match.file.path = path_from_json(*path);
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

// The picture's bytes go to the daemon, not its name: the daemon may not read what the user may.
Result<ExitCode> match_there(const MatchOptions& options, const DaemonClient& client, Session& session) {
  const bool from_input = options.image == kStandardInput;
  PAIRLOOM_ASSIGN(const std::string picture, from_input ? read_standard_input() : read_picture(options.image));
  const std::string path = from_input ? std::string(kStandardInput) : canonical_path(options.image);
  const Similarity& similarity = options.similarity;
  Json arguments = {{"algorithm", info(similarity.algorithm).name}};
  if (similarity.distance)
    arguments["distance"] = *similarity.distance;
  else
    arguments["preset"] = name_of(similarity.exact_only ? Preset::kExact : similarity.preset);
  // One more, as the picture itself is left out here: the daemon does not know its name.
  if (options.nearest) arguments["nearest"] = *options.nearest + (options.exclude_self ? 1 : 0);

  bool low_information = false;
  uint32_t exit_code = static_cast<uint32_t>(ExitCode::kFailed);
  std::string said;
  std::vector<Match> matches;
  const auto take = [&](const Json& record) -> Result<> {
    std::string type;
    take_field(record, "type", type);
    if (type == "header") take_field(record, "low_information", low_information);
    if (type == "match") matches.push_back(match_from_json(record));
    if (type == "end") take_field(record, "exit_code", exit_code);
    if (type == "end" && record.contains("said")) said = path_from_json(record["said"]);
    return {};
  };
  PAIRLOOM_TRY(client.ask({"POST", "/v1/match", std::move(arguments), &picture}, take));
  if (exit_code > static_cast<uint32_t>(ExitCode::kNegative)) {
    if (said.starts_with("pairloom: ")) said.erase(0, 10);
    if (const size_t at = said.find("standard input"); at != std::string::npos && !from_input)
      said.replace(at, 14, escape_for_terminal(options.image));
    session.messages.error(said.empty() ? "the daemon could not look for it" : said);
    return static_cast<ExitCode>(exit_code);
  }
  if (options.exclude_self) std::erase_if(matches, [&](const Match& match) { return match.file.path == path; });
  if (options.nearest && matches.size() > *options.nearest) matches.resize(*options.nearest);
  return report(options, path, low_information, matches, session);
}

// Whoever can read the index does; else the daemon that has it is asked.
Result<ExitCode> match(const MatchOptions& options, Session& session) {
  PAIRLOOM_TRY(options.similarity.limit());
  const bool unreadable = ::access(session.index.c_str(), R_OK) != 0 && errno == EACCES;
  if (!daemon_is_named(session) && !unreadable) return match_here(options, session);
  PAIRLOOM_ASSIGN(const auto daemon, find_daemon(session));
  return daemon ? match_there(options, daemon->client, session) : match_here(options, session);
}

constexpr const char* kCodesOptions = "What counts as a duplicate";

void note_options_of_one_method(CLI::App& app, MatchOptions& options) {
  for (CLI::Option* option : app.get_options()) {
    const bool codes = option->get_group() == kCodesOptions || option->check_lname("exclude-self");
    if (!codes && option->get_group() != kDescriptorOptions) continue;
    option->each([&options, codes, name = option->get_name()](const std::string&) {
      (codes ? options.codes_option : options.descriptors_option) = name;
    });
  }
}

Result<> check_method(const MatchOptions& options) {
  if (options.method != MatchOptions::Method::kCodes) {
    if (options.codes_option.empty()) return {};
    return fail(Errc::kInvalidArgument,
                fmt::format("{} compares codes; leave it out, or --method", options.codes_option));
  }
  if (!options.descriptors_option.empty())
    return fail(Errc::kInvalidArgument,
                fmt::format("{} is about descriptors: add --method sift or orb", options.descriptors_option));
  if (options.descriptors.files.names_something())
    return fail(Errc::kInvalidArgument,
                "codes are searched in the index; to look at other files, add --method sift or orb");
  return {};
}

}  // namespace

Action declare_match(CLI::App& app) {
  auto options = std::make_shared<MatchOptions>();
  using Method = MatchOptions::Method;
  add_path(app, "IMAGE", options->image, "Any image file, indexed or not; - is standard input");
  add_file_options(app, options->descriptors.files, "PATH",
                   "With --method sift or orb: images or directories to look at, instead of the index's images");
  add_choice<Method>(app, "--method", options->method,
                     {{"codes", Method::kCodes}, {"sift", Method::kSift}, {"orb", Method::kOrb}}, "METHOD",
                     "codes: search the index. sift, orb: find the image's keypoints in each of the others");
  add_descriptor_options(app, options->descriptors);
  add_similarity_options(app, options->similarity);
  add_count(app, "-k,--nearest", options->nearest, 1, 1'000'000, "The N nearest, however far (or up to --distance)")
      ->group(kCodesOptions);
  app.add_flag("--exclude-self", options->exclude_self, "Leave out the file itself (copies of it stay)")
      ->group("Output");
  add_output_option(
      app, options->format,
      {OutputFormat::kHuman, OutputFormat::kFdupes, OutputFormat::kJsonl, OutputFormat::kCsv, OutputFormat::kNull});
  note_options_of_one_method(app, *options);
  return [options](Session& session) -> Result<ExitCode> {
    PAIRLOOM_TRY(check_method(*options));
    if (options->method == Method::kCodes) return match(*options, session);
    if (options->image == kStandardInput)
      return fail(Errc::kInvalidArgument, "--method sift and orb want a picture in a file, not standard input");
    auto& descriptors = options->descriptors;
    descriptors.reference = options->image;
    descriptors.format = options->format;
    descriptors.setup.method =
        options->method == Method::kSift ? jobs::DescriptorMethod::kSift : jobs::DescriptorMethod::kOrb;
    return match_descriptors(descriptors, session);
  };
}

}  // namespace pairloom::cli
