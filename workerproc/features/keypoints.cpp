#include "workerproc/features/keypoints.h"

#include <fmt/format.h>

#include "workerproc/descriptors/detector.h"

namespace pairloom::workerproc {
namespace {

class Keypoints final : public FeatureExtractor {
 public:
  Keypoints(jobs::DescriptorMethod method, uint32_t count)
      : FeatureExtractor(describe(method, count)), detector_(method, count) {}

  Result<> extract(ShownPicture& picture, jobs::FeatureTable& table) override {
    detector_.describe(picture.gray(), image_);
    const Descriptors descriptors = image_.rows();
    if (descriptors.rows > jobs::kMaxFeatureRows) return fail(Errc::kUnsupported, "too many keypoints");
    std::vector<float> rows;
    rows.reserve(descriptors.rows * description().columns.size());
    for (size_t k = 0; k < descriptors.rows; ++k) {
      const cv::KeyPoint& point = image_.keypoints[k];
      rows.insert(rows.end(),
                  {point.pt.x, point.pt.y, point.size, point.angle, point.response, static_cast<float>(point.octave)});
      const uint8_t* bytes = descriptors.data + k * descriptors.bytes;
      rows.insert(rows.end(), bytes, bytes + descriptors.bytes);
    }
    set_rows<float>(table, descriptors.rows, rows);
    return {};
  }

 private:
  static jobs::FeatureDescription describe(jobs::DescriptorMethod method, uint32_t count) {
    jobs::FeatureDescription d{.name = std::string(name_of(method)),
                               .parameters = fmt::format("n={}", count),
                               .element = jobs::FeatureElement::kF32,
                               .one_row = false,
                               .columns = {"x", "y", "size", "angle", "response", "octave"}};
    for (uint32_t i = 0; i < jobs::descriptor_bytes(method); ++i) d.columns.push_back(fmt::format("descriptor_{}", i));
    return d;
  }

  Detector detector_;
  DescribedImage image_;
};

}  // namespace

Result<std::unique_ptr<FeatureExtractor>> make_keypoints(jobs::DescriptorMethod method, Parameters& parameters) {
  const uint32_t usual = method == jobs::DescriptorMethod::kSift ? 5000 : 500;
  PAIRLOOM_ASSIGN(const uint32_t count, parameters.take("n", usual, 1, jobs::kMaxFeatures));
  return std::make_unique<Keypoints>(method, count);
}

}  // namespace pairloom::workerproc
