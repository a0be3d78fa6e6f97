// Extractors of users' shared objects, behind the C interface of include/pairloom/extractor.h. Runs in: worker only.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "include/pairloom/extractor.h"
#include "workerproc/features/feature.h"

namespace pairloom::workerproc {

// The plugins of a process. They stay loaded until it ends.
class Plugins {
 public:
  // Loads the object behind that path: its initialisers run. What is wrong with it is kept and told by find() and
  // error(), so that a worker with a bad plugin lives to say so.
  void load(const std::string& path);
  // Null when no plugin has one of that name.
  const pairloom_extractor* find(std::string_view name) const;
  std::vector<std::string> names() const;
  const std::string& error() const { return error_; }  // the first; empty = none

 private:
  Result<> load_object(const std::string& path);
  std::vector<const pairloom_extractor*> extractors_;
  std::string error_;
};

// Those of this process: main() loads them before anything else is done.
Plugins& loaded_plugins();

// kInvalidArgument when its description breaks the interface.
Result<std::unique_ptr<FeatureExtractor>> make_plugin_feature(const pairloom_extractor& extractor);

}  // namespace pairloom::workerproc
