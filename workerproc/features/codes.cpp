#include "workerproc/features/codes.h"

#include <fmt/format.h>

#include "workerproc/extract/area.h"
#include "workerproc/extract/dhash.h"
#include "workerproc/extract/pdq.h"
#include "workerproc/extract/phash.h"

namespace pairloom::workerproc {
namespace {

class CodeFeature final : public FeatureExtractor {
 public:
  explicit CodeFeature(Algorithm algorithm) : FeatureExtractor(describe(info(algorithm))), algorithm_(algorithm) {}

  Result<> extract(ShownPicture& picture, jobs::FeatureTable& table) override {
    const Code code = code_of(picture.view());
    std::vector<uint8_t> bytes;
    for (size_t word = info(algorithm_).bits / 64u; word-- > 0;)
      for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<uint8_t>(code.words[word] >> shift));
    set_rows<uint8_t>(table, 1, bytes);
    return {};
  }

 private:
  static jobs::FeatureDescription describe(const AlgorithmInfo& algorithm) {
    jobs::FeatureDescription d{.name = std::string(algorithm.name),
                               .version = algorithm.version,
                               .element = jobs::FeatureElement::kU8,
                               .is_code = true};
    for (int i = 0; i < algorithm.bits / 8; ++i) d.columns.push_back(fmt::format("byte_{}", i));
    return d;
  }

  Code code_of(const View& view) {
    switch (algorithm_) {
      case Algorithm::kPdq:
        return pdq_.hash(view).code;
      case Algorithm::kDhash:
        return dhash(view, summer_);
      case Algorithm::kDhashTutorial:
        return tutorial_dhash(view);
      case Algorithm::kPhash:
        return phash64(view, summer_);
      case Algorithm::kPhash256:
        return phash256(view, summer_);
    }
    return {};
  }

  Algorithm algorithm_;
  AreaSummer summer_;
  PdqHasher pdq_;
};

class PdqQuality final : public FeatureExtractor {
 public:
  PdqQuality()
      : FeatureExtractor({.name = "pdq-quality",
                          .version = info(Algorithm::kPdq).version,
                          .element = jobs::FeatureElement::kI32,
                          .columns = {"quality"}}) {}

  Result<> extract(ShownPicture& picture, jobs::FeatureTable& table) override {
    const int32_t quality = pdq_.hash(picture.view()).quality;
    set_rows<int32_t>(table, 1, std::span(&quality, 1));
    return {};
  }

 private:
  PdqHasher pdq_;
};

}  // namespace

std::unique_ptr<FeatureExtractor> make_code(Algorithm algorithm) {
  return std::make_unique<CodeFeature>(algorithm);
}

std::unique_ptr<FeatureExtractor> make_pdq_quality() {
  return std::make_unique<PdqQuality>();
}

}  // namespace pairloom::workerproc
