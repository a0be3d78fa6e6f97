// Which features there are: ours, in one table, and those of plugins. To add one of ours: a class like those in
// features/color.cpp, and a line in registry.cpp. Runs in: worker only.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "workerproc/features/feature.h"
#include "workerproc/features/plugin.h"

namespace pairloom::workerproc {

// The extractor for "name" or "name:key=value:key=value". kInvalidArgument, with what there is, when there is none or
// its parameters make no sense.
Result<std::unique_ptr<FeatureExtractor>> make_feature(const std::string& spec, const Plugins& plugins);

}  // namespace pairloom::workerproc
