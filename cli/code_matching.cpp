#include "cli/code_matching.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <iterator>
#include <map>
#include <span>
#include <utility>

#include "base/text.h"
#include "cli/image_codes.h"
#include "cli/input_file.h"
#include "cli/match_formats.h"
#include "cli/path_text.h"
#include "index/index_reader.h"
#include "search/hamming_scan.h"

namespace pairloom::cli {
namespace {

// Queries that are extracted and searched together.
constexpr size_t kBatchQueries = 256;

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
  return ImageCode{path, content->digest, content->size_bytes,
                   content->image, *code, {}, is_low_information(content->image, algorithm)};
}

// The paths of a list, all of them.
Result<std::vector<std::string>> read_list(int fd, char separator) {
  std::string text;
  std::vector<char> buffer(size_t{1} << 16);
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot read the list of files", errno);
    if (n == 0) break;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  std::vector<std::string> paths;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    if (end > at) paths.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return paths;
}

class CodeMatcher {
 public:
  CodeMatcher(const CodeMatching& options, bool many, index::IndexReader& reader, search::CodeFile codes,
              std::optional<uint32_t> limit, Session& session)
      : options_(options),
        reader_(reader),
        codes_(std::move(codes)),
        limit_(limit),
        session_(session),
        extractor_(options.similarity.algorithm, !options.turns.empty(), session),
        writer_(options.format, many, options.similarity.algorithm, session),
        many_(many),
        threads_(std::min(search::useful_threads(codes_), static_cast<int>(session.globals.jobs.value_or(INT_MAX)))) {
    writer_.begin();
  }

  Result<> answer_codes(const std::vector<Code>& codes) {
    std::vector<MatchQuery> queries;
    for (size_t i = 0; i < codes.size(); ++i) {
      MatchQuery query;
      query.image.code = codes[i];
      query.shown_as = options_.codes[i];
      queries.push_back(std::move(query));
    }
    return answer(queries);
  }

  Result<> answer_files(std::span<const std::string> paths) {
    while (!paths.empty() && session_.out.usable()) {
      const auto batch = paths.first(std::min(paths.size(), kBatchQueries));
      PAIRLOOM_ASSIGN(auto queries, queries_of(batch));
      PAIRLOOM_TRY(answer(queries));
      paths = paths.subspan(batch.size());
    }
    return {};
  }

  ExitCode exit_code() const {
    if (unusable_) return ExitCode::kUnreadable;
    return found_ ? ExitCode::kDone : ExitCode::kNegative;
  }

 private:
  Result<std::vector<MatchQuery>> queries_of(std::span<const std::string> shown) {
    const Algorithm algorithm = options_.similarity.algorithm;
    std::vector<std::optional<ImageCode>> images(shown.size());
    std::vector<std::string> unknown;
    std::optional<InputFile> input;  // while it is looked at: workers get files
    for (size_t i = 0; i < shown.size(); ++i) {
      if (shown[i] == kStandardInput && !input) {
        PAIRLOOM_ASSIGN(input, InputFile::from_standard_input());
      }
      const std::string path = shown[i] == kStandardInput ? input->path() : canonical_path(shown[i]);
      // The index holds no code of a turned picture: then the pixels are needed.
      if (options_.turns.empty()) {
        PAIRLOOM_ASSIGN(images[i], known_code(reader_, path, algorithm));
      }
      if (!images[i]) unknown.push_back(path);
    }
    PAIRLOOM_ASSIGN(auto extracted, extractor_.extract(unknown));
    std::vector<MatchQuery> queries;
    size_t next = 0;
    for (size_t i = 0; i < shown.size(); ++i) {
      if (!images[i]) {
        auto& result = extracted[next++];
        if (!result) {
          writer_.unusable(shown[i] == kStandardInput ? shown[i] : unknown[next - 1],
                           input ? input->unnamed(result.error()) : result.error());
          unusable_ = true;
          continue;
        }
        images[i] = std::move(*result);
        if (shown[i] == kStandardInput) images[i]->path = kStandardInput;
      }
      if (images[i]->low_information)
        session_.messages.warning(fmt::format("'{}' is flat or nearly so: what is found may be like it by chance",
                                              escape_for_terminal(shown[i])));
      queries.push_back({std::move(*images[i]), shown[i]});
    }
    return queries;
  }

  Result<> answer(const std::vector<MatchQuery>& queries) {
    std::vector<search::ScanQuery> asked;  // of each query: itself, then its turns
    for (const MatchQuery& query : queries) {
      asked.push_back({query.image.code, query.image.low_information});
      for (const uint8_t turn : options_.turns)
        for (const TurnedCode& turned : query.image.turned)
          if (turned.orientation == turn) asked.push_back({turned.code, query.image.low_information});
    }
    const size_t turns = 1 + options_.turns.size();
    std::vector<std::vector<search::Hit>> hits(asked.size());
    if (!options_.nearest && limit_)
      hits = search::find_within_each(codes_, asked, static_cast<int>(*limit_), search::best_kernel(), threads_);
    for (size_t i = 0; i < queries.size(); ++i) {
      const auto part = [&](auto& all) { return std::span(all).subspan(i * turns, turns); };
      PAIRLOOM_ASSIGN(const auto matches, options_.nearest ? nearest(queries[i], part(asked))
                                                           : matches_of(queries[i], part(hits)));
      found_ = found_ || !matches.empty();
      writer_.answer(queries[i], matches);
      if (options_.format == OutputFormat::kHuman && matches.empty() && !many_) session_.messages.note("no match");
    }
    return {};
  }

  // Codes of gone contents are still in the code file: ask for more until enough live.
  Result<std::vector<Match>> nearest(const MatchQuery& query, std::span<const search::ScanQuery> asked) {
    for (size_t ask = *options_.nearest + size_t{16};; ask *= 4) {
      auto hits = search::find_nearest_each(codes_, asked, ask, search::best_kernel(), threads_);
      const bool all = hits.front().size() < ask;
      if (options_.similarity.distance)
        for (auto& of_turn : hits)
          std::erase_if(of_turn, [&](const auto& hit) { return hit.distance > *options_.similarity.distance; });
      const bool cut = std::all_of(hits.begin(), hits.end(), [&](const auto& some) { return some.size() < ask; });
      PAIRLOOM_ASSIGN(auto matches, matches_of(query, hits));
      if (matches.size() < *options_.nearest && !all && !cut) continue;
      if (matches.size() > *options_.nearest) matches.resize(*options_.nearest);
      return matches;
    }
  }

  // Files behind hits, nearest first; of a content the orientation it is nearest with.
  Result<std::vector<Match>> matches_of(const MatchQuery& query, std::span<const std::vector<search::Hit>> hits) {
    struct Best {
      uint32_t distance;
      uint8_t orientation;
    };
    std::map<index::ContentId, Best> best;
    for (size_t turn = 0; turn < hits.size(); ++turn)
      for (const search::Hit& hit : hits[turn]) {
        const Best now{hit.distance, turn == 0 ? uint8_t{1} : options_.turns[turn - 1]};
        const auto [at, is_new] = best.try_emplace(hit.content_id, now);
        if (!is_new && now.distance < at->second.distance) at->second = now;
      }
    std::optional<index::ContentId> same;  // also when the index has no code of it
    if (query.image.size_bytes != 0) {
      PAIRLOOM_ASSIGN(same, reader_.content_by_digest(query.image.digest, query.image.size_bytes));
    }
    if (same) best.erase(*same);
    std::vector<std::pair<index::ContentId, Best>> order(best.begin(), best.end());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.second.distance < b.second.distance; });
    if (same) order.insert(order.begin(), std::pair(*same, Best{0, 1}));
    std::vector<Match> matches;
    for (const auto& [id, how] : order) {
      PAIRLOOM_ASSIGN(const auto content, reader_.content(id));
      PAIRLOOM_ASSIGN(auto files, reader_.files_of(id));
      for (auto& file : files) {
        if (!content || (options_.exclude_self && file.path == query.image.path)) continue;
        matches.push_back({std::move(file), content->image, how.distance, same && id == *same, how.orientation});
      }
    }
    return matches;
  }

  const CodeMatching& options_;
  index::IndexReader& reader_;
  search::CodeFile codes_;
  std::optional<uint32_t> limit_;
  Session& session_;
  CodeExtractor extractor_;
  MatchWriter writer_;
  bool many_, found_ = false, unusable_ = false;
  int threads_;
};

}  // namespace

Result<ExitCode> match_codes(const CodeMatching& options, Session& session) {
  const Algorithm algorithm = options.similarity.algorithm;
  PAIRLOOM_ASSIGN(const auto limit, options.similarity.limit());
  PAIRLOOM_TRY(check(options.more));
  std::vector<Code> codes;
  for (const std::string& text : options.codes) {
    PAIRLOOM_ASSIGN(const Code code, code_from_hex(text, info(algorithm).bits));
    codes.push_back(code);
  }
  if (!codes.empty() && !options.turns.empty())
    return fail(Errc::kInvalidArgument, "--invariant needs the picture: a code alone cannot be turned");
  std::vector<std::string> paths = options.images;
  paths.insert(paths.end(), options.more.roots.begin(), options.more.roots.end());
  for (const std::string& path : paths) {
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode))
      return fail(Errc::kInvalidArgument,
                  fmt::format("'{}' is a directory, and what is looked for are images; to look at the images in it, add "
                              "--method sift or orb",
                              escape_for_terminal(path)));
  }
  PAIRLOOM_ASSIGN(const Fd list, open_list(options.more));
  if (list) {
    PAIRLOOM_ASSIGN(auto listed, read_list(list.get(), options.more.nul ? '\0' : '\n'));
    paths.insert(paths.end(), std::make_move_iterator(listed.begin()), std::make_move_iterator(listed.end()));
  }
  if (paths.empty() && codes.empty() && !list)
    return fail(Errc::kInvalidArgument, "nothing to look for: name an image, a list with --files-from, or a --code");
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  PAIRLOOM_ASSIGN(auto packed, reader.codes(algorithm));
  const bool many = list || paths.size() + codes.size() > 1;
  CodeMatcher matcher(options, many, reader, std::move(packed), limit, session);
  PAIRLOOM_TRY(matcher.answer_codes(codes));
  PAIRLOOM_TRY(matcher.answer_files(paths));
  return matcher.exit_code();
}

}  // namespace pairloom::cli
