// HEIC and AVIF: the primary picture, tile by tile, a row of tiles in memory at a time. The thumbnail within is not
// used: nothing in a file proves that it shows the same picture.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "workerproc/decode/coded_picture.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/heif_file.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

// From here on no smoothing filter changes a mean by a gray level worth a bit (docs/benchmarks.md).
constexpr uint8_t kUnfilteredReduction = 4;

// Rows of one picture of the file (the colours, or the transparency), decoded as they are asked for.
class HeifRows {
 public:
  HeifRows(const HeifFile& file, HeifPicture picture, bool unfiltered, const char* format)
      : file_(file), picture_(std::move(picture)), unfiltered_(unfiltered), format_(format) {}

  // Decodes the cells that row `y` goes through; rows are asked for in order.
  Result<> prepare(uint32_t y) {
    const uint32_t row_of_cells = y / picture_.cells.front().height;
    if (row_of_cells == prepared_) return {};
    prepared_ = row_of_cells;
    cells_.clear();
    for (uint32_t column = 0; column < picture_.columns; ++column) {
      PAIRLOOM_ASSIGN(CodedPicture cell, decode_cell(picture_.cells[row_of_cells * picture_.columns + column]));
      cells_.push_back(std::move(cell));
    }
    return {};
  }
  bool is_gray() const { return !cells_.front().planes.has_chroma; }
  bool luma_is_enough() const { return std::ranges::all_of(cells_, [](const auto& c) { return luma_is_gray(c.planes); }); }

  // Row `y` of a prepared cell row, all columns; `out` has room for a whole row of cells.
  void gray(uint32_t y, uint8_t* out) const { put(y, out, 1, luma_row); }
  void rgb(uint32_t y, uint8_t* out) const { put(y, out, 3, rgb_row); }
  size_t room_px() const { return size_t{picture_.columns} * picture_.cells.front().width; }
  const std::string& warning() const { return warning_; }
  const HeifPicture& picture() const { return picture_; }

 private:
  template <class Row>
  void put(uint32_t y, uint8_t* out, size_t step, Row row) const {
    const HeifCell& size = picture_.cells.front();
    for (const CodedPicture& cell : cells_) {
      row(cell.planes, y % size.height, size.width, out);
      out += size.width * step;
    }
  }

  Result<CodedPicture> decode_cell(const HeifCell& cell) {
    PAIRLOOM_ASSIGN(const auto data, file_.data(cell, storage_));
    const CodedPictureLimits limits{cell.width, cell.height, unfiltered_};
    auto decoded = cell.codec == fourcc("av01") ? decode_av1(cell.config, data, limits)
                   : cell.codec == fourcc("hvc1")
                       ? decode_hevc(cell.config, data, limits)
                       : fail(Errc::kUnsupported, "tiles of another kind are not supported");
    if (!decoded) return fail(decoded.error().code, fmt::format("{}: {}", format_, decoded.error().message));
    YuvPlanes& planes = decoded->planes;
    if (planes.width < cell.width || planes.height < cell.height)
      return fail(Errc::kCorrupt, fmt::format("{}: the picture is smaller than the file says", format_));
    if (std::ranges::any_of(planes.planes, [](const auto& plane) { return plane.bits > 16 || plane.bits < 8; }))
      return fail(Errc::kUnsupported, fmt::format("{}: samples of such a size are not supported", format_));
    if (picture_.colour) planes.colour = *picture_.colour;
    if (warning_.empty()) warning_ = decoded->warning;
    return std::move(*decoded);
  }

  const HeifFile& file_;
  HeifPicture picture_;
  bool unfiltered_;
  const char* format_;
  uint32_t prepared_ = UINT32_MAX;
  std::vector<CodedPicture> cells_;
  std::vector<std::byte> storage_;
  std::string warning_;
};

// Colours and transparency of one row, interleaved.
class RowJoiner {
 public:
  RowJoiner(HeifRows& colours, HeifRows* alpha, bool premultiplied) : colours_(colours), alpha_(alpha) {
    premultiplied_ = premultiplied && alpha != nullptr;
  }
  // As the first row has shown. Gray where nobody wants colours and luma is what we call gray.
  Result<Samples> begin(uint32_t first_row, PixelLayout layout) {
    PAIRLOOM_TRY(prepare(first_row));
    gray_ = colours_.is_gray() || (layout == PixelLayout::kGray && colours_.luma_is_enough());
    colour_row_.resize(colours_.room_px() * (gray_ ? 1 : 3));
    if (alpha_ == nullptr) return gray_ ? Samples::kGray : Samples::kRgb;
    alpha_row_.resize(alpha_->room_px());
    joined_.resize(std::min(colours_.room_px(), alpha_->room_px()) * (gray_ ? 2 : 4));
    return gray_ ? Samples::kGrayAlpha : Samples::kRgba;
  }
  // From column `x`.
  Result<const uint8_t*> row(uint32_t y, uint32_t x) {
    PAIRLOOM_TRY(prepare(y));
    const size_t step = gray_ ? 1 : 3;
    if (gray_)
      colours_.gray(y, colour_row_.data());
    else
      colours_.rgb(y, colour_row_.data());
    if (alpha_ == nullptr) return &colour_row_[x * step];
    alpha_->gray(y, alpha_row_.data());
    join(step);
    return &joined_[x * (step + 1)];
  }

 private:
  Result<> prepare(uint32_t y) {
    PAIRLOOM_TRY(colours_.prepare(y));
    if (alpha_ != nullptr) PAIRLOOM_TRY(alpha_->prepare(y));
    return {};
  }
  void join(size_t step) {
    for (size_t x = 0; x < joined_.size() / (step + 1); ++x) {
      const unsigned alpha = alpha_row_[x];
      for (size_t c = 0; c < step; ++c) {
        const unsigned value = colour_row_[x * step + c];
        joined_[x * (step + 1) + c] = static_cast<uint8_t>(
            premultiplied_ && alpha > 0 ? std::min(255u, (value * 255 + alpha / 2) / alpha) : value);
      }
      joined_[x * (step + 1) + step] = static_cast<uint8_t>(alpha);
    }
  }

  HeifRows& colours_;
  HeifRows* alpha_;
  bool premultiplied_ = false, gray_ = false;
  std::vector<uint8_t> colour_row_, alpha_row_, joined_;
};

// A JPEG in HEIF's clothes.
Result<> decode_jpeg_item(const HeifFile& file, const HeifPicture& shown, const DecodeRequest& request,
                          Picture& picture) {
  std::vector<std::byte> storage;
  PAIRLOOM_ASSIGN(const auto data, file.data(shown.cells.front(), storage));
  PAIRLOOM_TRY(decode_jpeg(data, request, picture));
  picture.orientation = shown.orientation;
  return {};
}

Result<> decode_rows(HeifRows& colours, HeifRows* alpha, bool premultiplied, Picture& picture) {
  const HeifPicture& shown = colours.picture();
  RowJoiner rows(colours, alpha, premultiplied);
  PAIRLOOM_ASSIGN(const Samples samples, rows.begin(shown.crop_y, picture.layout));
  RowWriter writer(picture, samples);
  picture.is_gray = colours.is_gray();
  for (uint32_t y = 0; y < shown.crop_height; ++y) {
    PAIRLOOM_ASSIGN(const uint8_t* row, rows.row(shown.crop_y + y, shown.crop_x));
    writer.write(row);
  }
  return {};
}

// Whole cells are decoded, however small the part to show: the limit holds for them too.
Result<> check_size(const HeifPicture& shown, const DecodeRequest& request, const char* format) {
  const HeifCell& cell = shown.cells.front();
  for (const auto& [width, height] : {std::pair(shown.width, shown.height), std::pair(cell.width, cell.height)})
    if (width > kMaxSidePx || height > kMaxSidePx || uint64_t{width} * height > request.max_pixels)
      return fail(Errc::kTooLarge, fmt::format("{}: {}x{} pixels exceed the limit of {}", format, width, height,
                                               request.max_pixels));
  return {};
}

Result<> decode_heif_file(std::span<const std::byte> bytes, const DecodeRequest& request, Picture& picture,
                          const char* format) {
  PAIRLOOM_ASSIGN(const HeifFile file, HeifFile::parse(bytes, format));
  PAIRLOOM_ASSIGN(HeifPicture shown, file.primary());
  picture.animated = file.has_sequence();
  if (shown.cells.size() == 1 && shown.cells.front().codec == fourcc("jpeg"))
    return decode_jpeg_item(file, shown, request, picture);
  PAIRLOOM_TRY(begin_picture(picture, request, format, shown.crop_width, shown.crop_height, bytes.size()));
  PAIRLOOM_TRY(check_size(shown, request, format));
  picture.orientation = shown.orientation;
  const bool unfiltered = picture.reduction >= kUnfilteredReduction;
  auto alpha_picture = file.alpha();
  if (alpha_picture && !*alpha_picture) return tl::unexpected(alpha_picture->error());
  const bool has_alpha = alpha_picture && (*alpha_picture)->width == shown.width &&
                         (*alpha_picture)->height == shown.height;
  picture.has_alpha = alpha_picture.has_value();
  if (has_alpha) PAIRLOOM_TRY(check_size(**alpha_picture, request, format));
  HeifRows colours(file, std::move(shown), unfiltered, format);
  std::optional<HeifRows> alpha;
  if (has_alpha) alpha.emplace(file, std::move(**alpha_picture), unfiltered, format);
  PAIRLOOM_TRY(decode_rows(colours, alpha ? &*alpha : nullptr, file.premultiplied(), picture));
  if (!colours.warning().empty()) {
    picture.damaged = true;
    picture.warning = fmt::format("{}: {}", format, colours.warning());
  }
  return {};
}

}  // namespace

Result<> decode_heif(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  return decode_heif_file(file, request, picture, "HEIF");
}

Result<> decode_avif(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  return decode_heif_file(file, request, picture, "AVIF");
}

std::string heif_library() {
  return fmt::format("pairloom's own, {}", hevc_library());
}
std::string avif_library() {
  return fmt::format("pairloom's own, {}", av1_library());
}

}  // namespace pairloom::workerproc
