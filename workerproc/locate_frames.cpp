// The locating job: a path -> one frame, the particles in it. Runs in: worker only.
#include <new>
#include <string>
#include <vector>

#include "jobs/file_answer.h"
#include "jobs/locate_job.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/digest.h"
#include "workerproc/file_reader.h"
#include "workerproc/locate/locate.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

class LocateFrames final : public WorkerJob {
 public:
  explicit LocateFrames(const jobs::LocateSetup& setup)
      : setup_(setup), reader_(setup.max_file_bytes), locator_(setup) {}

  Result<> run(const shm::TaskView&, TaskContext& context) override {
    PAIRLOOM_ASSIGN(const FileContents file, reader_.read(context));
    return context.send_in_parts(jobs::encode(answer(file, context)));
  }

 private:
  jobs::FileAnswer answer(const FileContents& file, TaskContext& context) {
    if (file.outcome != Outcome::kIndexed) return {file.outcome, file.message, {}};
    DecodeRequest request;
    request.layout = PixelLayout::kChannel;
    request.channel = static_cast<uint8_t>(setup_.channel);
    request.max_pixels = setup_.max_pixels;
    auto decoded = context.timed(shm::Stage::kDecode, [&] { return decode(file.bytes, request, picture_); });
    if (!decoded) return {outcome_of(decoded.error().code), std::move(decoded.error().message), {}};
    try {
      context.timed(shm::Stage::kExtract, [&] { locator_.locate(picture_, result_.particles); });
    } catch (const std::bad_alloc&) {
      return {Outcome::kTooLarge, "not enough memory to locate particles in a frame of this size", {}};
    }
    result_.width_px = picture_.width_px;
    result_.height_px = picture_.height_px;
    result_.bits_per_sample = picture_.bits_per_sample;
    if (setup_.digest)
      result_.digest = context.timed(shm::Stage::kDigest, [&] { return digest_of(file.bytes); });
    return {Outcome::kIndexed, picture_.warning, jobs::encode(result_)};
  }

  jobs::LocateSetup setup_;
  FileReader reader_;
  Locator locator_;
  Picture picture_;
  jobs::LocateResult result_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_locate_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::LocateSetup decoded, jobs::decode_locate_setup(setup));
  return std::make_unique<LocateFrames>(decoded);
}

}  // namespace pairloom::workerproc
