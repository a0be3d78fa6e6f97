// The extraction jobs: what the features are; a file -> a table of each. Runs in: worker only.
#include <string>
#include <vector>

#include "jobs/extract_job.h"
#include "jobs/file_answer.h"
#include "workerproc/extract/digest.h"
#include "workerproc/features/registry.h"
#include "workerproc/opencv/picture_job.h"

namespace pairloom::workerproc {
namespace {

using Extractors = std::vector<std::unique_ptr<FeatureExtractor>>;

Result<Extractors> make_extractors(const jobs::ExtractSetup& setup, const Plugins& plugins) {
  Extractors extractors;
  for (const std::string& feature : setup.features) {
    PAIRLOOM_ASSIGN(auto extractor, make_feature(feature, plugins));
    extractors.push_back(std::move(extractor));
  }
  return extractors;
}

class DescribeFeatures final : public WorkerJob {
 public:
  DescribeFeatures(jobs::ExtractSetup setup, const Plugins& plugins) : setup_(std::move(setup)), plugins_(plugins) {}

  Result<> run(const shm::TaskView&, TaskContext& context) override {
    const auto extractors = make_extractors(setup_, plugins_);
    if (!extractors)
      return context.send_in_parts(
          jobs::encode(jobs::FileAnswer{Outcome::kUnsupported, extractors.error().message, {}}));
    std::vector<jobs::FeatureDescription> all;
    for (const auto& extractor : *extractors) all.push_back(extractor->description());
    return context.send_in_parts(jobs::encode(jobs::FileAnswer{Outcome::kIndexed, "", jobs::encode(all)}));
  }

 private:
  jobs::ExtractSetup setup_;
  const Plugins& plugins_;
};

class ExtractFiles final : public PictureJob {
 public:
  ExtractFiles(const jobs::ExtractSetup& setup, Extractors extractors)
      : PictureJob(setup.max_file_bytes, setup.max_pixels), extractors_(std::move(extractors)) {}

 private:
  Result<std::vector<std::byte>> body(const FileContents& file, const Picture& picture, TaskContext& context) override {
    jobs::ExtractResult result;
    result.identity = file.identity;
    result.digest = context.timed(shm::Stage::kDigest, [&] { return digest_of(file.bytes); });
    shown_.show(picture);
    result.width_px = shown_.width_px();
    result.height_px = shown_.height_px();
    for (const auto& extractor : extractors_) {
      jobs::FeatureTable& table = result.tables.emplace_back();
      PAIRLOOM_TRY(context.timed(shm::Stage::kExtract, [&] { return extractor->extract(shown_, table); }));
      context.report_progress();
    }
    return jobs::encode(result);
  }

  Extractors extractors_;
  ShownPicture shown_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_describe_features_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(auto decoded, jobs::decode_extract_setup(setup));
  return std::make_unique<DescribeFeatures>(std::move(decoded), loaded_plugins());
}

Result<std::unique_ptr<WorkerJob>> make_extract_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const auto decoded, jobs::decode_extract_setup(setup));
  PAIRLOOM_ASSIGN(auto extractors, make_extractors(decoded, loaded_plugins()));
  return std::make_unique<ExtractFiles>(decoded, std::move(extractors));
}

}  // namespace pairloom::workerproc
