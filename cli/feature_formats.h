// Extracted features for other programs: CSV and JSON lines on standard output, NumPy arrays in a directory. The
// layouts are promises: docs/cli.md, "Features". Runs in: cli.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/image.h"
#include "base/result.h"
#include "jobs/extract_job.h"

namespace pairloom::cli {

// How each feature is called in the output: its name, or with its parameters where the name occurs more than once:
// "lbp:points=16:radius=2".
std::vector<std::string> labels_of(const std::vector<jobs::FeatureDescription>& descriptions);

// What is written for the files of a run, in order. Strings are for standard output.
class FeatureFormat {
 public:
  virtual ~FeatureFormat() = default;
  virtual Result<std::string> begin() = 0;
  virtual Result<std::string> add(const std::string& path, const jobs::ExtractResult& result) = 0;
  virtual std::string failed(const std::string& /*path*/, Outcome, const std::string& /*message*/) { return ""; }
  // `files` have been added, `failed` could not be used.
  virtual Result<std::string> finish(uint64_t /*files*/, uint64_t /*failed*/) { return std::string(); }
};

// A row for each file; or, for a single feature of any number of rows, a row for each of them. kInvalidArgument for
// other mixtures.
Result<std::unique_ptr<FeatureFormat>> csv_features(const std::vector<jobs::FeatureDescription>& descriptions);
std::unique_ptr<FeatureFormat> jsonl_features(const std::vector<jobs::FeatureDescription>& descriptions);
// Writes into `directory`, which is made if it is not there; nothing goes to standard output.
Result<std::unique_ptr<FeatureFormat>> npy_features(const std::vector<jobs::FeatureDescription>& descriptions,
                                                    const std::string& directory);

}  // namespace pairloom::cli
