#include "workerproc/decode/tiff_jpeg.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "workerproc/decode/formats.h"

namespace pairloom::workerproc {
namespace {

constexpr size_t kMarkerBytes = 2;  // start and end of image

template <class T>
T tag_or(TIFF* tiff, uint32_t tag, T otherwise) {
  T value = otherwise;
  return TIFFGetField(tiff, tag, &value) == 1 ? value : otherwise;
}

// How a directory is cut into JPEGs.
struct Cut {
  uint32_t width = 0, height = 0;  // of one
};
Cut cut_of(TIFF* tiff, const TiffLayout& layout) {
  if (layout.tiled) return {tag_or<uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0), tag_or<uint32_t>(tiff, TIFFTAG_TILELENGTH, 0)};
  return {layout.width, std::min(tag_or<uint32_t>(tiff, TIFFTAG_ROWSPERSTRIP, layout.height), layout.height)};
}

// The tables that all of them share, without the end of image.
std::vector<std::byte> shared_tables(TIFF* tiff) {
  uint32_t bytes = 0;
  const void* tables = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_JPEGTABLES, &bytes, &tables) != 1 || bytes < 2 * kMarkerBytes) return {};
  const auto* begin = static_cast<const std::byte*>(tables);
  return {begin, begin + bytes - kMarkerBytes};
}

// tables + data as one JPEG.
bool read_jpeg(TIFF* tiff, uint32_t index, const std::vector<std::byte>& tables, size_t file_bytes,
               std::vector<std::byte>& jpeg) {
  const uint64_t bytes = TIFFGetStrileByteCount(tiff, index);
  if (bytes <= kMarkerBytes || bytes > file_bytes) return false;
  const size_t before = tables.empty() ? 0 : tables.size() - kMarkerBytes;  // the data's own start of image goes
  jpeg.resize(before + bytes);
  const auto size = static_cast<tmsize_t>(bytes);
  const tmsize_t read = TIFFIsTiled(tiff) != 0 ? TIFFReadRawTile(tiff, index, &jpeg[before], size)
                                               : TIFFReadRawStrip(tiff, index, &jpeg[before], size);
  if (read != size || jpeg[before] != std::byte{0xFF} || jpeg[before + 1] != std::byte{0xD8}) return false;
  std::copy(tables.begin(), tables.end(), jpeg.begin());
  return true;
}

// One decoded JPEG into its place; what sticks out of the picture is cut off.
void place(const Picture& part, uint32_t left, uint32_t top, Picture& picture) {
  const size_t pixel = channels_of(picture.layout);
  const uint32_t width = std::min(part.width_px, picture.width_px - std::min(left, picture.width_px));
  const uint32_t height = std::min(part.height_px, picture.height_px - std::min(top, picture.height_px));
  for (size_t y = 0; y < height; ++y)
    memcpy(&picture.pixels[(top + y) * picture.stride_bytes + left * pixel], &part.pixels[y * part.stride_bytes],
           width * pixel);
}

}  // namespace

bool can_reduce_jpegs(TIFF* tiff, const TiffLayout& layout, uint32_t levels, const Picture& picture) {
  const uint32_t reduction = uint32_t{picture.reduction} >> levels;
  const bool gray = layout.photometric == PHOTOMETRIC_MINISBLACK && layout.samples == 1;
  const bool colour = layout.photometric == PHOTOMETRIC_YCBCR && layout.samples == 3;
  if (reduction < 2 || layout.compression != COMPRESSION_JPEG || layout.bits != 8 || (!gray && !colour) ||
      layout.planar != PLANARCONFIG_CONTIG)
    return false;
  const Cut cut = cut_of(tiff, layout);
  if (std::min(cut.width, cut.height) < reduction) return false;
  const uint32_t rest = layout.height % cut.height;  // of a last strip; tiles are always whole
  if (!layout.tiled && rest > 0 && rest < reduction) return false;
  const auto whole_blocks = [reduction](uint32_t part, uint32_t all) {
    return part > 0 && (part % reduction == 0 || part >= all);
  };
  return whole_blocks(cut.width, layout.width) && whole_blocks(cut.height, layout.height) &&
         reduced(layout.width, reduction) == picture.width_px && reduced(layout.height, reduction) == picture.height_px;
}

Result<> decode_reduced_jpegs(TIFF* tiff, const TiffLayout& layout, uint32_t levels, size_t file_bytes,
                              Picture& picture) {
  const uint32_t reduction = uint32_t{picture.reduction} >> levels;
  const Cut cut = cut_of(tiff, layout);
  const uint32_t across = (layout.width - 1) / cut.width + 1, down = (layout.height - 1) / cut.height + 1;
  const std::vector<std::byte> tables = shared_tables(tiff);
  std::vector<std::byte> jpeg;
  Picture part;
  for (uint32_t index = 0; index < across * down; ++index) {
    const uint32_t left = index % across * cut.width, top = index / across * cut.height;
    if (!read_jpeg(tiff, index, tables, file_bytes, jpeg)) return fail(Errc::kCorrupt, "TIFF: a part is missing");
    DecodeRequest request;
    request.layout = picture.layout;
    request.max_pixels = uint64_t{cut.width} * cut.height;
    const uint32_t height = layout.tiled ? cut.height : std::min(cut.height, layout.height - top);
    request.min_short_side_px = std::max(1u, std::min(cut.width, height) / reduction);
    part.damaged = false;
    part.warning.clear();
    PAIRLOOM_TRY(decode_jpeg(jpeg, request, part));
    if (part.full_width_px != cut.width || part.full_height_px < height || part.reduction != reduction)
      return fail(Errc::kCorrupt, "TIFF: a part is of another size than the file says");
    place(part, left / reduction, top / reduction, picture);
    if (part.damaged && !picture.damaged) {
      picture.damaged = true;
      picture.warning = "TIFF: " + part.warning;
    }
  }
  return {};
}

}  // namespace pairloom::workerproc
