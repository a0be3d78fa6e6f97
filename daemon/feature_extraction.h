// Extracting features: what they are is asked of a worker first (plugins are known to workers only), then every file's
// come back as tables. Optionally kept in the index. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/file_job.h"
#include "index/index_writer.h"
#include "jobs/extract_job.h"

namespace pairloom::daemon {

// kInvalidArgument, with the worker's reason, when there is no such feature or a plugin cannot be used.
Result<std::vector<jobs::FeatureDescription>> describe_features(FileJobs& jobs, const jobs::ExtractSetup& setup);

struct FeatureAnswer {
  Outcome outcome = Outcome::kUnreadable;  // kIndexed: extracted
  std::string message;
  jobs::ExtractResult result;
};
using FeatureSink = std::function<Result<>(const std::string& path, const FeatureAnswer& answer)>;

// Keeps features in the index: those of files that it knows as they are now. One commit a second.
class FeatureStore {
 public:
  // Borrows the index. An extractor's older version is forgotten.
  static Result<FeatureStore> create(index::IndexWriter& index, std::span<const jobs::FeatureDescription> descriptions);

  // To be asked of every file, in order (FileJobRequest::wants). With `only_missing`, false when the index has all of
  // its features, or does not know the file: nothing is to be gained.
  Result<bool> wants(const std::string& path, const StatIdentity& identity, bool only_missing);
  // To be told what became of every file that was wanted, in the same order.
  Result<> take(const FeatureAnswer& answer);
  Result<> finish();  // commits

  uint64_t stored() const { return stored_; }
  uint64_t known() const { return known_; }      // had all features already, and were left out
  uint64_t unknown() const { return unknown_; }  // not in the index, or changed since

 private:
  FeatureStore(index::IndexWriter& index, std::vector<index::ExtractorId> extractors)
      : index_(&index), extractors_(std::move(extractors)) {}

  index::IndexWriter* index_;
  std::vector<index::ExtractorId> extractors_;  // in the order of the descriptions
  std::deque<index::ContentId> waiting_;        // of the files that were wanted; 0: the index does not know it
  uint64_t stored_ = 0, known_ = 0, unknown_ = 0;
  int64_t commit_at_ns_ = -1;
};

// `request` says which files, and which of them are wanted; the rest of it is filled in here. The sink hears of every
// file, in order.
Result<FileJobSummary> extract_features(FileJobs& jobs, const jobs::ExtractSetup& setup,
                                        const std::vector<jobs::FeatureDescription>& descriptions,
                                        FileJobRequest request, const FeatureSink& sink, const RunObserver& observer);

}  // namespace pairloom::daemon
