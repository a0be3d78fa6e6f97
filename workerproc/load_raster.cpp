// The loading job: a file -> its pixels (or numbers), upright, row by row. Runs in: worker only.
#include <algorithm>
#include <cstring>
#include <vector>

#include "jobs/load_job.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/orientation.h"
#include "workerproc/file_reader.h"
#include "workerproc/transform/npy.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

constexpr size_t kRecordBytes = jobs::kMaxLoadRecordBytes;

// Collects bytes into records of kRecordBytes.
class ByteStream {
 public:
  explicit ByteStream(TaskContext& context) : context_(context) {}

  Result<> add(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const size_t count = std::min(bytes.size(), kRecordBytes - waiting_.size());
      waiting_.insert(waiting_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
      bytes = bytes.subspan(count);
      if (waiting_.size() == kRecordBytes) PAIRLOOM_TRY(flush(false));
    }
    return {};
  }
  Result<> end() { return flush(true); }

 private:
  Result<> flush(bool last) {
    PAIRLOOM_TRY(context_.send(waiting_, last));
    waiting_.clear();
    context_.report_progress();
    return {};
  }

  TaskContext& context_;
  std::vector<std::byte> waiting_;
};

// One row of the picture as it is shown, in the raster's pixels.
void copy_shown_row(const View& view, size_t y, bool gray, std::vector<uint8_t>& row) {
  const Picture& picture = view.picture;
  const size_t step = channels_of(picture.layout), keep = gray ? 1 : step;
  const size_t width = row.size() / keep;
  const auto place = [&view](size_t r, size_t c) {
    if (view.rows.mirrored) r = view.rows.full_px - 1 - r;
    if (view.columns.mirrored) c = view.columns.full_px - 1 - c;
    return std::pair(r, c);
  };
  const auto [row0, column0] = view.transposed ? place(0, y) : place(y, 0);
  const auto stride = static_cast<ptrdiff_t>(picture.stride_bytes), pixel = static_cast<ptrdiff_t>(step);
  const ptrdiff_t forward = view.transposed ? (view.rows.mirrored ? -stride : stride)
                                            : (view.columns.mirrored ? -pixel : pixel);
  const uint8_t* from = picture.pixels.data() + row0 * picture.stride_bytes + column0 * step;
  if (forward == pixel && keep == step) {
    std::memcpy(row.data(), from, row.size());
    return;
  }
  for (size_t x = 0; x < width; ++x, from += forward) std::memcpy(&row[x * keep], from, keep);
}

class LoadRaster final : public WorkerJob {
 public:
  explicit LoadRaster(const jobs::LoadSetup& setup) : setup_(setup), reader_(setup.max_file_bytes) {}

  Result<> run(const shm::TaskView& task, TaskContext& context) override {
    PAIRLOOM_ASSIGN(const jobs::LoadTask what, jobs::decode_load_task(task.payload));
    const bool grid = what.what == jobs::LoadTask::What::kGrid;
    PAIRLOOM_ASSIGN(const FileContents file,
                    reader_.read(context, grid ? FileReader::Wanted::kAny : FileReader::Wanted::kImages));
    if (file.outcome == Outcome::kNotImage)
      return send_failure(Outcome::kUnsupported, "not an image of a known format", context);
    if (file.outcome != Outcome::kIndexed) return send_failure(file.outcome, file.message, context);
    return grid ? load_grid(file, context)
                : load_picture(file, what.what == jobs::LoadTask::What::kColourPicture, context);
  }

 private:
  static Result<> send_failure(Outcome outcome, const std::string& message, TaskContext& context) {
    jobs::Loaded loaded;
    loaded.outcome = outcome;
    loaded.message = message;
    return context.send(jobs::encode(loaded), true);
  }
  static Result<> send_failure(const Error& error, TaskContext& context) {
    const Outcome outcome = error.code == Errc::kTooLarge      ? Outcome::kTooLarge
                            : error.code == Errc::kUnsupported ? Outcome::kUnsupported
                                                               : Outcome::kCorrupt;
    return send_failure(outcome, error.message, context);
  }

  Result<> load_picture(const FileContents& file, bool colour, TaskContext& context) {
    const DecodeRequest request{PixelLayout::kRgba, 0, setup_.max_pixels};
    const auto decoded =
        context.timed(shm::Stage::kDecode, [&] { return decode(file.bytes, request, picture_); });
    if (!decoded) return send_failure(decoded.error(), context);
    context.report_progress();

    const View view = view_of(picture_);
    jobs::Loaded loaded;
    loaded.outcome = Outcome::kIndexed;
    loaded.format = picture_.format;
    loaded.damaged = picture_.damaged;
    loaded.message = picture_.warning;
    loaded.stored_bits = picture_.stored_bits;
    loaded.has_alpha = picture_.has_alpha && picture_.format != ImageFormat::kGif &&
                       picture_.format != ImageFormat::kPsd;  // those two are on white already
    const bool gray = picture_.is_gray && !loaded.has_alpha && !colour;
    loaded.raster = {view.transposed ? picture_.height_px : picture_.width_px,
                     view.transposed ? picture_.width_px : picture_.height_px,
                     gray ? jobs::PixelType::kGray8 : jobs::PixelType::kRgba8};
    PAIRLOOM_TRY(context.send(jobs::encode(loaded), false));

    ByteStream stream(context);
    std::vector<uint8_t> row(static_cast<size_t>(loaded.raster.row_bytes()));
    for (size_t y = 0; y < loaded.raster.height_px; ++y) {
      copy_shown_row(view, y, gray, row);
      PAIRLOOM_TRY(stream.add(std::as_bytes(std::span(row))));
    }
    std::vector<uint8_t>().swap(picture_.pixels);  // a picture to be shared is a large one
    return stream.end();
  }

  Result<> load_grid(const FileContents& file, TaskContext& context) {
    const auto grid = parse_npy(file.bytes, setup_.max_pixels);
    if (!grid) return send_failure(grid.error(), context);
    jobs::Loaded loaded;
    loaded.outcome = Outcome::kIndexed;
    loaded.stored_bits = static_cast<uint8_t>(8 * grid->number_bytes);
    loaded.raster = {grid->columns, grid->rows, jobs::PixelType::kF32};
    PAIRLOOM_TRY(context.send(jobs::encode(loaded), false));
    ByteStream stream(context);
    std::vector<float> row(grid->columns);
    for (size_t y = 0; y < grid->rows; ++y) {
      for (size_t x = 0; x < grid->columns; ++x) row[x] = grid->at(y * grid->columns + x);
      PAIRLOOM_TRY(stream.add(std::as_bytes(std::span(row))));
    }
    return stream.end();
  }

  jobs::LoadSetup setup_;
  FileReader reader_;
  Picture picture_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_load_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::LoadSetup decoded, jobs::decode_load_setup(setup));
  return std::make_unique<LoadRaster>(decoded);
}

}  // namespace pairloom::workerproc
