// The transform job: a band of output rows -> their pixels -> their bytes in the output file. The source lies in shared
// memory, mapped once. Runs in: worker only.
#include <algorithm>
#include <cstring>
#include <vector>

#include "jobs/transform_job.h"
#include "shm/shared_block.h"
#include "workerproc/transform/row_source.h"
#include "workerproc/transform/strip_encoder.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

std::span<const float> numbers_of(const shm::SharedBlock& block) {
  return {reinterpret_cast<const float*>(block.bytes().data()), block.bytes().size() / sizeof(float)};
}

class TransformBands final : public WorkerJob {
 public:
  TransformBands(const jobs::TransformSetup& setup, std::unique_ptr<StripEncoder> encoder)
      : setup_(setup), encoder_(std::move(encoder)), row_bytes_(size_t{setup.width_px} * static_cast<size_t>(setup.channels)) {}

  // The source; for a remap the grids x and y behind it.
  Result<> take_descriptor(Fd fd) override {
    if (blocks_.size() == block_count()) return fail(Errc::kProtocol, "transform: too many shared blocks");
    const uint64_t bytes =
        blocks_.empty() ? setup_.source.bytes() : uint64_t{setup_.width_px} * setup_.height_px * sizeof(float);
    PAIRLOOM_ASSIGN(auto block, shm::SharedBlock::open(std::move(fd), bytes));
    blocks_.push_back(std::move(block));
    return {};
  }

  Result<> run(const shm::TaskView& task, TaskContext& context) override {
    PAIRLOOM_ASSIGN(const jobs::BandTask band, jobs::decode_band_task(task.payload, setup_.height_px));
    if (!rows_) PAIRLOOM_TRY(open_source());
    out_.assign(sizeof(jobs::BandPart), std::byte{});
    part_ = {band.first_row, band.row_count, 0, 0};
    const uint32_t end = band.first_row + band.row_count;
    for (uint32_t first = band.first_row; first < end;) {
      const uint32_t last = std::min(end, (first / setup_.strip_rows + 1) * setup_.strip_rows);
      PAIRLOOM_TRY(add_strip(first, last, context));
      PAIRLOOM_TRY(send_full_parts(context));
      first = last;
    }
    part_.adler32 = encoder_->take_adler32();
    return send_part(out_.size() - sizeof part_, true, context);
  }

 private:
  size_t block_count() const { return setup_.map == jobs::MapKind::kRemap ? 3 : 1; }

  Result<> open_source() {
    if (blocks_.size() != block_count()) return fail(Errc::kProtocol, "transform: a band came before the source");
    TransformInput input;
    input.source = {reinterpret_cast<const uint8_t*>(blocks_[0].bytes().data()), setup_.source.width_px,
                    setup_.source.height_px, setup_.source.type == jobs::PixelType::kRgba8,
                    setup_.source_has_alpha != 0};
    if (blocks_.size() == 3) {
      input.map_x = numbers_of(blocks_[1]);
      input.map_y = numbers_of(blocks_[2]);
    }
    PAIRLOOM_ASSIGN(rows_, make_row_source(setup_, input));
    return {};
  }

  Result<> add_strip(uint32_t first, uint32_t last, TaskContext& context) {
    strip_.resize((last - first) * row_bytes_);
    context.timed(shm::Stage::kExtract, [&] {
      for (uint32_t y = first; y < last; ++y) rows_->row(y, &strip_[(y - first) * row_bytes_]);
    });
    context.report_progress();
    return context.timed(shm::Stage::kDigest, [&] { return encoder_->encode(strip_, out_); });
  }

  // out_: a header's room, then bytes that have not been sent.
  Result<> send_full_parts(TaskContext& context) {
    while (out_.size() - sizeof part_ > jobs::kMaxPartBytes)
      PAIRLOOM_TRY(send_part(jobs::kMaxPartBytes, false, context));
    return {};
  }

  Result<> send_part(size_t bytes, bool last, TaskContext& context) {
    std::memcpy(out_.data(), &part_, sizeof part_);
    PAIRLOOM_TRY(context.send(std::span(out_).first(sizeof part_ + bytes), last));
    out_.erase(out_.begin() + sizeof part_, out_.begin() + static_cast<ptrdiff_t>(sizeof part_ + bytes));
    ++part_.part;
    return {};
  }

  jobs::TransformSetup setup_;
  std::unique_ptr<StripEncoder> encoder_;
  size_t row_bytes_;
  std::vector<shm::SharedBlock> blocks_;
  std::unique_ptr<RowSource> rows_;
  std::vector<uint8_t> strip_;
  std::vector<std::byte> out_;
  jobs::BandPart part_{};
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_transform_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::TransformSetup decoded, jobs::decode_transform_setup(setup));
  PAIRLOOM_ASSIGN(auto encoder, make_strip_encoder(decoded));
  return std::make_unique<TransformBands>(decoded, std::move(encoder));
}

}  // namespace pairloom::workerproc
