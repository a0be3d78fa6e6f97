#include "workerproc/extract/extract.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "shm/lane.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/area.h"
#include "workerproc/extract/dhash.h"
#include "workerproc/extract/digest.h"
#include "workerproc/extract/pdq.h"
#include "workerproc/extract/phash.h"
#include "workerproc/extract/turns.h"

namespace pairloom::workerproc {
namespace {

constexpr size_t kMaxMessageBytes = 500;  // jobs/index_job.h

// Adds the time until it goes out of scope to one stage.
class StageTimer {
 public:
  StageTimer(uint64_t (&stage_ns)[8], shm::Stage stage)
      : total_ns_(stage_ns[static_cast<size_t>(stage)]), start_(std::chrono::steady_clock::now()) {}
  ~StageTimer() {
    total_ns_ += static_cast<uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - start_).count());
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  uint64_t& total_ns_;
  std::chrono::steady_clock::time_point start_;
};

// Pixels of the short side that an algorithm needs. Measured on real images (docs/benchmarks.md): then its code differs
// from that of the full picture by less than it does after recompression. 256 bits need more than 64.
uint32_t needed_side_px(Algorithm algorithm) {
  return info(algorithm).bits > 64 ? 128 : 64;
}

// How far to decode: as far as the most demanding algorithm needs, so that every algorithm of a run sees the same
// pixels.
DecodeRequest plan(const jobs::IndexSetup& setup) {
  DecodeRequest request;
  request.max_pixels = setup.limits.max_pixels;
  request.max_scans = setup.limits.max_scans;
  request.max_parts = setup.limits.max_parts;
  // dhash-tutorial needs every pixel in colour. They are decoded once, and the other codes of the run are made from
  // them too: of the same kind, as exact as with Accuracy::kFull.
  if (setup.accuracy == Accuracy::kFull || contains(setup.algorithms, Algorithm::kDhashTutorial)) {
    request.layout = PixelLayout::kBgr;
    request.min_short_side_px = 0;
  } else {
    request.min_short_side_px = 1;
    for (const AlgorithmInfo& algorithm : algorithms())
      if (contains(setup.algorithms, algorithm.id))
        request.min_short_side_px = std::max(request.min_short_side_px, needed_side_px(algorithm.id));
    if (setup.accuracy == Accuracy::kFast) request.min_short_side_px /= 2;
  }
  return request;
}

void set_message(jobs::IndexResult& result, std::string message) {
  if (message.size() > kMaxMessageBytes) message.resize(kMaxMessageBytes);
  result.message = std::move(message);
}

}  // namespace

struct Extractor::State {
  jobs::IndexSetup setup;
  DecodeRequest request;
  Picture picture;
  AreaSummer summer;
  PdqHasher pdq;
  std::vector<jobs::TurnedCode> turns;  // of the last file, if asked for

  Code code_of(Algorithm algorithm, const View& view, jobs::IndexResult& result) {
    switch (algorithm) {
      case Algorithm::kPdq: {
        const PdqHash hash = pdq.hash(view);
        result.image.quality = hash.quality;
        return hash.code;
      }
      case Algorithm::kDhash:
        return dhash(view, summer);
      case Algorithm::kDhashTutorial:
        return tutorial_dhash(view);
      case Algorithm::kPhash:
        return phash64(view, summer);
      case Algorithm::kPhash256:
        return phash256(view, summer);
    }
    return {};
  }

  // The codes of the seven other orientations, in the order of their EXIF numbers. (Quality stays that of the picture.)
  void add_turns(Algorithm algorithm, const View& view) {
    jobs::IndexResult ignored;
    for (uint8_t exif = 2; exif <= 8; ++exif)
      turns.push_back({algorithm, exif, code_of(algorithm, turned(view, exif), ignored)});
  }

  void describe(const View& view, ImageInfo& image) const {
    const bool preview = picture.original_width_px > 0;
    const uint32_t width = preview ? picture.original_width_px : picture.full_width_px;
    const uint32_t height = preview ? picture.original_height_px : picture.full_height_px;
    image.width_px = view.transposed ? height : width;
    image.height_px = view.transposed ? width : height;
    image.orientation = picture.orientation;
    image.reduction = picture.reduction;
    image.animated = picture.animated;
    image.has_alpha = picture.has_alpha;
    image.damaged = picture.damaged;
  }

  void run(std::span<const std::byte> file, uint64_t (&stage_ns)[8], jobs::IndexResult& result) {
    {
      const StageTimer timer(stage_ns, shm::Stage::kDigest);
      result.digest = digest_of(file);
      result.image.format = sniff(file);
    }
    if (result.image.format == ImageFormat::kUnknown && name_of_unread(file).empty()) {
      result.outcome = Outcome::kNotImage;
      return;
    }
    {
      const StageTimer timer(stage_ns, shm::Stage::kDecode);
      const auto decoded = decode(file, request, picture);
      result.image.format = picture.format;  // camera raws that look like TIFF are told apart late
      if (!decoded) {
        result.outcome = outcome_of(decoded.error().code);
        set_message(result, decoded.error().message);
        return;
      }
    }
    const StageTimer timer(stage_ns, shm::Stage::kExtract);
    const View view = view_of(picture);
    describe(view, result.image);
    for (const AlgorithmInfo& algorithm : algorithms())
      if (contains(setup.algorithms, algorithm.id)) {
        result.codes.push_back({algorithm.id, code_of(algorithm.id, view, result)});
        if ((setup.algorithms & jobs::kTurnedCodes) != 0) add_turns(algorithm.id, view);
      }
    set_message(result, std::move(picture.warning));
    result.outcome = Outcome::kIndexed;
  }
};

Extractor::Extractor(const jobs::IndexSetup& setup) : state_(std::make_unique<State>()) {
  state_->setup = setup;
  state_->request = plan(setup);
}

Extractor::~Extractor() = default;

jobs::IndexResult Extractor::extract(std::span<const std::byte> file_bytes, uint64_t (&stage_ns)[8]) {
  jobs::IndexResult result;
  state_->turns.clear();
  const auto failed = [&](Outcome outcome, std::string message) {
    result.outcome = outcome;
    result.codes.clear();
    state_->turns.clear();
    set_message(result, std::move(message));
  };
  try {
    state_->run(file_bytes, stage_ns, result);
  } catch (const std::bad_alloc&) {
    failed(Outcome::kTooLarge, "not enough memory for this picture");
  } catch (const std::exception& error) {
    failed(Outcome::kCorrupt, error.what());
  }
  return result;
}

std::vector<jobs::TurnedCode> Extractor::take_turns() {
  return std::exchange(state_->turns, {});
}

}  // namespace pairloom::workerproc
