#include "workerproc/features/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>

#include "workerproc/features/codes.h"
#include "workerproc/features/color.h"
#include "workerproc/features/keypoints.h"
#include "workerproc/features/lbp.h"
#include "workerproc/features/parameters.h"

namespace pairloom::workerproc {
namespace {

using Made = Result<std::unique_ptr<FeatureExtractor>>;

struct Kind {
  std::string_view name;
  Made (*make)(Parameters& parameters);
};

template <Algorithm kAlgorithm>
Made code(Parameters&) {
  return make_code(kAlgorithm);
}

constexpr Kind kKinds[] = {
    {"color", make_color},
    {"lbp", make_lbp},
    {"sift", [](Parameters& p) { return make_keypoints(jobs::DescriptorMethod::kSift, p); }},
    {"orb", [](Parameters& p) { return make_keypoints(jobs::DescriptorMethod::kOrb, p); }},
    {"dhash", code<Algorithm::kDhash>},
    {"dhash-tutorial", code<Algorithm::kDhashTutorial>},
    {"phash", code<Algorithm::kPhash>},
    {"phash256", code<Algorithm::kPhash256>},
    {"pdq", code<Algorithm::kPdq>},
    {"pdq-quality", [](Parameters&) -> Made { return make_pdq_quality(); }},
};

}  // namespace

Result<std::unique_ptr<FeatureExtractor>> make_feature(const std::string& spec, const Plugins& plugins) {
  if (!plugins.error().empty()) return fail(Errc::kInvalidArgument, plugins.error());
  PAIRLOOM_ASSIGN(auto parameters, Parameters::parse(spec));
  const auto kind = std::ranges::find(kKinds, parameters.name(), &Kind::name);
  const pairloom_extractor* plugin = plugins.find(parameters.name());
  if (plugin && kind != std::end(kKinds))
    return fail(Errc::kInvalidArgument, fmt::format("a plugin's feature has a name that is taken: '{}'", plugin->name));
  if (!plugin && kind == std::end(kKinds)) {
    std::vector<std::string> names = plugins.names();
    for (const Kind& known : kKinds) names.emplace_back(known.name);
    return fail(Errc::kInvalidArgument,
                fmt::format("there is no feature '{}'; there are {}", parameters.name(), fmt::join(names, ", ")));
  }
  PAIRLOOM_ASSIGN(auto made, plugin ? make_plugin_feature(*plugin) : kind->make(parameters));
  PAIRLOOM_TRY(parameters.all_taken());
  return made;
}

}  // namespace pairloom::workerproc
