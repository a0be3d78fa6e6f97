// The extraction jobs: what the features are; a file -> a table of each. Runs in: worker only.
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "jobs/extract_job.h"
#include "jobs/file_answer.h"
#include "workerproc/extract/digest.h"
#include "workerproc/features/registry.h"
#include "workerproc/file_reader.h"
#include "workerproc/worker_job.h"

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

class ExtractFiles final : public WorkerJob {
 public:
  ExtractFiles(const jobs::ExtractSetup& setup, Extractors extractors)
      : setup_(setup), extractors_(std::move(extractors)), reader_(setup.max_file_bytes) {}

  Result<> run(const shm::TaskView&, TaskContext& context) override {
    PAIRLOOM_ASSIGN(const FileContents file, reader_.read(context));
    return context.send_in_parts(jobs::encode(answer(file, context)));
  }

 private:
  jobs::FileAnswer answer(const FileContents& file, TaskContext& context) {
    if (file.outcome != Outcome::kIndexed) return {file.outcome, file.message, {}};
    jobs::ExtractResult result;
    result.identity = file.identity;
    result.digest = context.timed(shm::Stage::kDigest, [&] { return digest_of(file.bytes); });
    DecodeRequest request;
    request.layout = PixelLayout::kBgr;
    request.min_short_side_px = 0;
    request.max_pixels = setup_.max_pixels;
    try {
      auto decoded = context.timed(shm::Stage::kDecode, [&] { return decode(file.bytes, request, picture_); });
      if (!decoded) return {outcome_of(decoded.error().code), std::move(decoded.error().message), {}};
      shown_.show(picture_);
      result.width_px = shown_.width_px();
      result.height_px = shown_.height_px();
      result.tables.resize(extractors_.size());
      for (size_t i = 0; i < extractors_.size(); ++i) {
        auto extracted =
            context.timed(shm::Stage::kExtract, [&] { return extractors_[i]->extract(shown_, result.tables[i]); });
        if (!extracted) return {Outcome::kUnsupported, std::move(extracted.error().message), {}};
        context.report_progress();
      }
      return {Outcome::kIndexed, picture_.warning, jobs::encode(result)};
    } catch (const std::bad_alloc&) {
      return {Outcome::kTooLarge, "not enough memory for this picture", {}};
    } catch (const cv::Exception& error) {
      const bool no_memory = error.code == cv::Error::StsNoMem;
      return {no_memory ? Outcome::kTooLarge : Outcome::kUnsupported,
              no_memory ? "not enough memory for this picture" : error.what(),
              {}};
    }
  }

  jobs::ExtractSetup setup_;
  Extractors extractors_;
  FileReader reader_;
  Picture picture_;
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
