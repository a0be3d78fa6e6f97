#include "cli/image_codes.h"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "daemon/turned_extraction.h"

namespace pairloom::cli {
namespace {

// Quality is PDQ's measure: asked for beside every algorithm that has a limit for it.
AlgorithmSet features_for(Algorithm algorithm) {
  return info(algorithm).min_quality > 0 ? set_of(algorithm) | set_of(Algorithm::kPdq) : set_of(algorithm);
}

Result<ImageCode> code_of(const std::string& path, const jobs::TurnedResult& extracted, Algorithm algorithm) {
  const jobs::IndexResult& result = extracted.result;
  if (result.outcome != Outcome::kIndexed) {
    const std::string why =
        result.message.empty() ? std::string(name_of(result.outcome)) : escape_for_terminal(result.message);
    return fail(Errc::kCorrupt, fmt::format("cannot use '{}': {}", escape_for_terminal(path), why));
  }
  ImageCode code;
  code.path = path;
  code.digest = result.digest;
  code.size_bytes = result.identity.size_bytes;
  code.image = result.image;
  for (const auto& c : result.codes)
    if (c.algorithm == algorithm) code.code = c.code;
  for (const auto& c : extracted.turned)
    if (c.algorithm == algorithm) code.turned.push_back({c.orientation, c.code});
  code.low_information = is_low_information(result.image, algorithm);
  return code;
}

}  // namespace

bool is_low_information(const ImageInfo& image, Algorithm algorithm) {
  return image.quality < info(algorithm).min_quality;
}

Result<std::vector<Result<ImageCode>>> CodeExtractor::extract(const std::vector<std::string>& paths) {
  std::vector<Result<ImageCode>> codes;
  if (paths.empty()) return codes;
  jobs::IndexSetup setup;
  setup.algorithms = features_for(algorithm_);
  if (turned_) setup.algorithms |= jobs::kTurnedCodes;
  if (!pool_) {
    auto options = session_->pool();
    if (options.jobs == 0 && paths.size() <= 2) options.jobs = static_cast<int>(paths.size());
    PAIRLOOM_ASSIGN(auto pool, daemon::Pool::create(options));
    pool_.emplace(std::move(pool));
  }
  PAIRLOOM_ASSIGN(const auto results, daemon::extract_turned(paths, setup, *pool_));
  codes.reserve(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) codes.push_back(code_of(paths[i], results.at(i), algorithm_));
  return codes;
}

Result<std::vector<ImageCode>> extract_codes(const std::vector<std::string>& paths, Algorithm algorithm, bool turned,
                                             const Session& session) {
  CodeExtractor extractor(algorithm, turned, session);
  PAIRLOOM_ASSIGN(auto results, extractor.extract(paths));
  std::vector<ImageCode> codes;
  for (auto& result : results) {
    if (!result) return tl::unexpected(std::move(result).error());
    codes.push_back(std::move(*result));
  }
  return codes;
}

}  // namespace pairloom::cli
