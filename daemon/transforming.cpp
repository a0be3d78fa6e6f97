#include "daemon/transforming.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/picture_frame.h"

namespace pairloom::daemon {
namespace {

constexpr uint64_t kStripBytes = 256 * 1024;
constexpr uint32_t kMaxStrips = 256;  // by what they are computed from; for small pictures of large ones

}  // namespace

uint32_t strip_rows_for(const jobs::TransformSetup& setup) {
  const auto rows_of = [](uint64_t row_bytes) { return std::max<uint64_t>(1, kStripBytes / row_bytes); };
  const uint64_t by_output = rows_of(uint64_t{setup.width_px} * static_cast<uint32_t>(setup.channels));
  const uint64_t by_source =
      std::max<uint64_t>(rows_of(setup.source.bytes() / setup.height_px + 1), setup.height_px / kMaxStrips);
  return static_cast<uint32_t>(std::min({by_output, by_source, uint64_t{setup.height_px}}));
}

Transforming::Transforming(const jobs::TransformSetup& setup, uint32_t band_rows, std::vector<int> blocks,
                           std::function<Result<>(std::span<const std::byte>)> write)
    : setup_(setup),
      band_rows_(band_rows == 0 ? setup.strip_rows : band_rows),
      blocks_(std::move(blocks)),
      write_(std::move(write)) {}

Result<Job::Pull> Transforming::pull(Task& task) {
  if (next_row_ == setup_.height_px) return Pull::kEnd;
  if (window_.size() >= kBandWindow || waiting_bytes_ > kBandWindowBytes) return Pull::kLater;
  Band band;
  band.rows = {next_row_, std::min(band_rows_, setup_.height_px - next_row_)};
  // Deflate never makes more of it than this (zlib's deflateBound, with room for chunks and flushes).
  const uint64_t raw_bytes = png_row_bytes(setup_, band.rows.row_count);
  band.most_bytes = raw_bytes + raw_bytes / 8 + 256 * (uint64_t{band.rows.row_count} + 1);
  next_row_ += band.rows.row_count;
  task.id = next_task_++;
  task.payload = jobs::encode(band.rows);
  window_.push_back(std::move(band));
  return Pull::kTask;
}

Result<> Transforming::accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) {
  Band& band = window_[task.id - first_in_window_];
  if (origin.first) {  // what an earlier attempt sent is void
    waiting_bytes_ -= band.bytes.size();
    band.bytes.clear();
    band.parts = 0;
  }
  PAIRLOOM_ASSIGN(const jobs::BandPart part, jobs::decode_band_part(payload, band.rows, band.parts));
  const auto bytes = payload.subspan(sizeof part);
  if (band.bytes.size() + bytes.size() > band.most_bytes) return fail(Errc::kProtocol, "band is too long");
  band.bytes.insert(band.bytes.end(), bytes.begin(), bytes.end());
  waiting_bytes_ += bytes.size();
  ++band.parts;
  if (!origin.last) return {};
  const uint64_t raw_bytes = uint64_t{setup_.width_px} * static_cast<uint32_t>(setup_.channels) * band.rows.row_count;
  if (setup_.container == jobs::Container::kPnm && band.bytes.size() != raw_bytes)
    return fail(Errc::kProtocol, fmt::format("band of {} bytes, expected {}", band.bytes.size(), raw_bytes));
  band.adler32 = part.adler32;
  rows_done_ += band.rows.row_count;
  while (!window_.empty() && window_.front().adler32) {
    const Band first = std::move(window_.front());
    window_.pop_front();
    ++first_in_window_;
    waiting_bytes_ -= first.bytes.size();
    adler32_ = joined_adler32(adler32_, *first.adler32, png_row_bytes(setup_, first.rows.row_count));
    PAIRLOOM_TRY(write_(first.bytes));
  }
  return {};
}

Result<> Transforming::give_up(const Task& task, Outcome, const std::string& reason) {
  const jobs::BandTask& rows = window_[task.id - first_in_window_].rows;
  return fail(Errc::kNoWorkers, fmt::format("the rows from {} on could not be computed: {}", rows.first_row, reason));
}

}  // namespace pairloom::daemon
