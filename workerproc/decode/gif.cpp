// GIF by giflib: the first frame on its canvas, which is white where the frame is transparent or does not reach.
#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <gif_lib.h>

#include "workerproc/decode/formats.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

struct Source {
  std::span<const std::byte> file;
  size_t at = 0;
};

int on_read(GifFileType* gif, GifByteType* data, int size) {
  auto& source = *static_cast<Source*>(gif->UserData);
  const size_t count = std::min(static_cast<size_t>(std::max(size, 0)), source.file.size() - source.at);
  if (count > 0) memcpy(data, source.file.data() + source.at, count);
  source.at += count;
  return static_cast<int>(count);
}

struct Close {
  void operator()(GifFileType* gif) const {
    int ignored = 0;
    DGifCloseFile(gif, &ignored);
  }
};
using Gif = std::unique_ptr<GifFileType, Close>;

tl::unexpected<Error> corrupt(int error) {
  const char* reason = GifErrorString(error);
  return fail(Errc::kCorrupt, fmt::format("GIF: {}", reason != nullptr ? reason : "damaged data"));
}

// Goes on to the next image descriptor; false at the end of the file or of what can be read. The transparent colour
// index of the last graphic control extension on the way goes to `transparent`.
bool to_next_frame(GifFileType* gif, std::optional<int>& transparent) {
  GifRecordType record = UNDEFINED_RECORD_TYPE;
  while (DGifGetRecordType(gif, &record) == GIF_OK) {
    if (record == IMAGE_DESC_RECORD_TYPE) return true;
    if (record != EXTENSION_RECORD_TYPE) return false;
    int code = 0;
    GifByteType* block = nullptr;  // its length, then its bytes
    if (DGifGetExtension(gif, &code, &block) != GIF_OK) return false;
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4)
      transparent = (block[1] & 1) != 0 ? std::optional<int>(block[4]) : std::nullopt;
    while (block != nullptr)
      if (DGifGetExtensionNext(gif, &block) != GIF_OK) return false;
  }
  return false;
}

// Colour indices of the frame, row by row; an interlaced frame is read whole first.
class FrameRows {
 public:
  FrameRows(GifFileType* gif, size_t width, size_t height, bool interlaced)
      : gif_(gif),
        width_(width),
        height_(height),
        interlaced_(interlaced),
        indices_(width * (interlaced ? height : 1)) {}

  bool read_interlaced() {
    static constexpr size_t kPasses[4][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};  // GIF89a specification, appendix E
    for (const auto& [first, step] : kPasses)
      for (size_t y = first; y < height_; y += step)
        if (!read_line(&indices_[y * width_])) return false;
    return true;
  }
  const uint8_t* row(size_t y) {
    if (interlaced_) return &indices_[y * width_];
    return read_line(indices_.data()) ? indices_.data() : nullptr;
  }

 private:
  bool read_line(uint8_t* line) { return DGifGetLine(gif_, line, static_cast<int>(width_)) == GIF_OK; }

  GifFileType* gif_;
  size_t width_, height_;
  bool interlaced_;
  std::vector<uint8_t> indices_;
};

// One frame row into a canvas row of RGB. Indices beyond the colour table are black. True if a pixel was transparent.
bool paint(const uint8_t* indices, size_t width, const ColorMapObject& map, std::optional<int> transparent,
           uint8_t* rgb) {
  bool any_transparent = false;
  for (size_t x = 0; x < width; ++x, rgb += 3) {
    if (indices[x] == transparent) {
      memset(rgb, 255, 3);
      any_transparent = true;
      continue;
    }
    const GifColorType colour = indices[x] < map.ColorCount ? map.Colors[indices[x]] : GifColorType{};
    rgb[0] = colour.Red;
    rgb[1] = colour.Green;
    rgb[2] = colour.Blue;
  }
  return any_transparent;
}

Result<> read_frame(GifFileType* gif, std::optional<int> transparent, Picture& picture) {
  const GifImageDesc& frame = gif->Image;
  const ColorMapObject* map = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (map == nullptr) return fail(Errc::kCorrupt, "GIF: there is no colour table");
  const auto left = static_cast<size_t>(frame.Left), top = static_cast<size_t>(frame.Top);
  const auto width = static_cast<size_t>(frame.Width), height = static_cast<size_t>(frame.Height);
  FrameRows rows(gif, width, height, frame.Interlace);
  if (frame.Interlace && !rows.read_interlaced()) return corrupt(gif->Error);

  std::vector<uint8_t> canvas_row(size_t{picture.full_width_px} * 3, uint8_t{255});
  RowWriter writer(picture, Samples::kRgb);
  picture.has_alpha = width < picture.full_width_px || height < picture.full_height_px;
  for (size_t y = 0; y < picture.full_height_px; ++y) {
    if (y == top + height) memset(canvas_row.data(), 255, canvas_row.size());
    if (y >= top && y < top + height) {
      const uint8_t* indices = rows.row(y - top);
      if (indices == nullptr) return corrupt(gif->Error);
      picture.has_alpha |= paint(indices, width, *map, transparent, &canvas_row[left * 3]);
    }
    writer.write(canvas_row.data());
  }
  return {};
}

}  // namespace

Result<> decode_gif(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  Source source{file};
  int error = 0;
  const Gif gif(DGifOpen(&source, on_read, &error));
  if (gif == nullptr) return corrupt(error);
  std::optional<int> transparent;
  if (!to_next_frame(gif.get(), transparent)) return fail(Errc::kCorrupt, "GIF: there is no picture in it");
  if (DGifGetImageDesc(gif.get()) != GIF_OK) return corrupt(gif->Error);
  const GifImageDesc& frame = gif->Image;
  if (frame.Width <= 0 || frame.Height <= 0 || frame.Left < 0 || frame.Top < 0)
    return fail(Errc::kCorrupt, fmt::format("GIF: {}x{} pixels: there is no picture", frame.Width, frame.Height));
  // As browsers do, a canvas smaller than its first frame is taken to be as large as that.
  PAIRLOOM_TRY(begin_picture(picture, request, "GIF",
                             static_cast<uint64_t>(std::max(gif->SWidth, frame.Left + frame.Width)),
                             static_cast<uint64_t>(std::max(gif->SHeight, frame.Top + frame.Height)), file.size()));
  PAIRLOOM_TRY(read_frame(gif.get(), transparent, picture));
  picture.animated = to_next_frame(gif.get(), transparent);
  return {};
}

std::string gif_library() {
  return fmt::format("giflib {}.{}.{}", GIFLIB_MAJOR, GIFLIB_MINOR, GIFLIB_RELEASE);
}

}  // namespace pairloom::workerproc
